/**
 * What every role of a whole deployment may do, on what and when, and what the policy of every key says, as one text that a change shows up in: test/infra/golden/permissions.txt. `npm run generate` does
 * not write it, because it takes a synthesis: UPDATE_GOLDEN=1 with this test does, and the diff is the review.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testPki } from '../support/cloudhsm-control-plane/test-pki.ts';
import { attachedTo, permissionText, rolesOf } from './permission-text.ts';
import { synthesise, type Templates } from './synthesised.ts';

const golden = join(import.meta.dirname, 'golden/permissions.txt');
let roots: string;
let templates: Templates;
beforeAll(() => {
  roots = mkdtempSync(join(tmpdir(), 'chatelaine-roots-'));
  writeFileSync(join(roots, 'aws.pem'), testPki().roots.aws);
  writeFileSync(join(roots, 'manufacturer.pem'), testPki().roots.manufacturer);
  templates = synthesise({
    network: { zones: 3 },
    hsm: { source: 'managed', hsms: 3, hardwareRoots: roots, secondRegion: 'eu-west-3', breakGlassPrincipals: ['arn:aws:iam::111122223333:user/carol'] },
    bridge: { source: 'fargate', image: { repository: 'chatelaine-bridge', digest: `sha256:${'0'.repeat(64)}` }, tasks: { min: 3, max: 6 } },
  });
});
afterAll(() => rmSync(roots, { recursive: true, force: true }));

describe('the roles of a whole deployment', () => {
  test('may do what the golden text says, each of them', () => {
    const text = permissionText(templates);
    if (process.env.UPDATE_GOLDEN === '1') {
      mkdirSync(join(import.meta.dirname, 'golden'), { recursive: true });
      writeFileSync(golden, text);
    }

    expect(text).toBe(readFileSync(golden, 'utf8'));
  });

  test('are within a boundary, each of them', () => {
    const free = rolesOf(templates).filter(({ role }) => role.Properties.PermissionsBoundary === undefined);

    expect(free.map(({ stack, id }) => `${stack}.${id}`)).toEqual([]);
  });

  test('may not invoke functions, but for the dispatcher, and the framework of the CDK that runs the steps of the HSM', () => {
    const invoking = rolesOf(templates).filter(({ stack, id, role }) =>
      /"lambda:(?:Invoke\w*|\*)"|"\*"\s*,?\s*"Effect":"Allow"/.test(JSON.stringify([role.Properties.Policies ?? [], attachedTo(id, stack, templates)])),
    );

    expect(invoking.map(({ stack, id }) => `${stack}.${id.replace(/[0-9A-F]{8}$/, '')}`).sort()).toEqual([
      'api.WireRole',
      'hsm.StepsProviderframeworkisCompleteServiceRole',
      'hsm.StepsProviderframeworkonEventServiceRole',
      'hsm.StepsProviderframeworkonTimeoutServiceRole',
      'hsm.StepsProviderwaiterstatemachineRole',
    ]);
  });
});
