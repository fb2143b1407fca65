import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { profileNames, selectConfig } from '#cdk/config/profiles.ts';

const { context } = JSON.parse(readFileSync(join(resolve(import.meta.dirname, '../..'), 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
const select = (changes: Record<string, unknown> = {}) => selectConfig((name) => ({ ...context, ...changes })[name]);

describe('the profiles of cdk.json', () => {
  test.each(profileNames(context))('%s is a valid configuration', (profile) => {
    expect(select({ profile }).deployment).toMatch(/^[a-z]/);
  });

  test('production is what nobody has to ask for', () => {
    expect(select({ profile: undefined })).toEqual(select({ profile: 'production' }));
    expect(select()).toMatchObject({ profile: 'production', destroyData: false, audit: { lockMode: 'COMPLIANCE' } });
  });

  test('no name of JavaScript is a profile, and a wrong name is answered with the right ones', () => {
    for (const profile of ['staging', 'constructor', '__proto__', 7]) expect(() => select({ profile })).toThrow(/has no profile .* It has: production, /);
  });

  test('a fault is reported with the profile that has it', () => {
    const profiles = { broken: { ...(context.profiles as { dev: object }).dev, sweepMinutes: 0 } };

    expect(() => select({ profile: 'broken', profiles })).toThrow(/profile broken of cdk.json is not usable:[\s\S]*sweepMinutes/);
  });

  test('a whole configuration in the context goes before every profile', () => {
    const { dev } = context.profiles as { dev: object };

    expect(select({ chatelaine: JSON.stringify({ ...dev, deployment: 'mine' }) }).deployment).toBe('mine');
  });
});
