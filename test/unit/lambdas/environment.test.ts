import { describe, expect, test } from 'vitest';
import { functionEnvironments, readEnvironment } from '#shared/env/function-environment.ts';

describe('the environment of a function', () => {
  test.each(Object.keys(functionEnvironments) as (keyof typeof functionEnvironments)[])('%s: what is missing is named, and no value is', (kind) => {
    const environment = { CHATELAINE_EVENT_BUS: 'sentinel-value', CHATELAINE_API_ID: '' };

    let message = '';
    try {
      readEnvironment(kind, environment);
    } catch (error) {
      message = String(error);
    }

    expect(message).toMatch(/^Error: These environment variables are missing or unusable: CHATELAINE_[A-Z_]+/);
    expect(message).not.toContain('sentinel-value');
  });

  test('an operation without business at the bridge needs no certificate', () => {
    const names = Object.keys(functionEnvironments.operation().shape).filter((name) => !name.startsWith('CHATELAINE_BRIDGE_SE'));

    const environment = readEnvironment('operation', Object.fromEntries(names.map((name) => [name, 'x'])));

    expect(environment.CHATELAINE_BRIDGE_SECRET).toBeUndefined();
  });
});
