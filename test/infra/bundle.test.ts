import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionEnvironments } from '#shared/env/function-environment.ts';
import { isDataPlane } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';
import { type BundledEntrypoint, bundle, dataPlaneBytesMax, entrypoints } from '../../scripts/bundle.ts';

/** Variables that cannot hold just any text. */
const values: Readonly<Record<string, string>> = { CHATELAINE_OPERATION: 'Encrypt', CHATELAINE_CERTIFICATE_DAYS: '30', CHATELAINE_CLIENT_CERTIFICATE_SECRETS: 'crypto=arn' };

let folder: string;
let files: readonly BundledEntrypoint[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chatelaine-bundle-'));
  files = await bundle(folder);
  const names = Object.values(functionEnvironments).flatMap((environment) => Object.keys(environment().shape));
  for (const name of names.filter((name) => !['CHATELAINE_ADMINISTRATORS', 'CHATELAINE_ATTESTATION_ROOTS', 'CHATELAINE_KEY_STORES'].includes(name)))
    process.env[name] ??= values[name] ?? 'https://127.0.0.1:1';
  process.env.AWS_REGION ??= 'us-east-1';
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entrypoint = (name: string): BundledEntrypoint => files.find((file) => file.name === name)!;
/** With what is loaded on demand. */
const inputsOf = (name: string): readonly string[] => [...entrypoint(name).inputs, ...entrypoint(name).onDemand];
const packagesIn = (inputs: readonly string[]): string[] => [...new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []))];
const packagesOf = (name: string): string[] => packagesIn(inputsOf(name));
const clientsIn = (inputs: readonly string[]): string[] =>
  packagesIn(inputs)
    .filter((name) => name.startsWith('@aws-sdk/client-'))
    .sort();

describe('the bundles', () => {
  test.each(entrypoints)('%s loads and has a handler', async (name) => {
    const module = (await import(pathToFileURL(join(folder, `${name}.mjs`)).href)) as { handler?: unknown };

    expect(module.handler).toBeTypeOf('function');
  });

  test.each(entrypoints)('%s holds no native module, no CDK, no server, no bridge but its client, no test', (name) => {
    // It issues certificates, and nothing else does.
    const issues = name === 'certificate-authority';
    expect(inputsOf(name).length).toBeGreaterThan(1);
    for (const input of inputsOf(name)) {
      expect(input).not.toMatch(/\.node$|node_modules\/(?:aws-cdk-lib|constructs|pkcs11js|vitest)\//);
      if (!issues) expect(input).not.toMatch(/node_modules\/@peculiar\//);
      expect(input).not.toMatch(/^(?:server|cdk|test|scripts)\//);
      if (input.startsWith('hsm-bridge/')) expect(input).toMatch(issues ? /^hsm-bridge\/(?:client\/|pki\/|der\.ts$)/ : /^hsm-bridge\/client\//);
    }
  });

  test.each(['data-plane', 'operation'])('%s has the clients that it uses and no other, the rare ones on demand, and not the default credential chain', (name) => {
    expect(clientsIn(entrypoint(name).inputs)).toEqual(['@aws-sdk/client-dynamodb', '@aws-sdk/client-eventbridge']);
    expect(clientsIn(entrypoint(name).onDemand)).toEqual(['@aws-sdk/client-secrets-manager', '@aws-sdk/client-sqs']);
    expect(packagesOf(name)).not.toContain('@aws-sdk/credential-provider-node');
  });

  test('the data plane has its own operations and no other, and reads attestation documents on demand', () => {
    const operationsIn = inputsOf('data-plane').filter((input) => /^shared\/operations\/(?!index\.ts)/.test(input));
    const fileOf = (name: string): string => `shared/operations/${name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, '-$&').toLowerCase()}.ts`;

    expect(operationsIn.sort()).toEqual(
      operations
        .filter(isDataPlane)
        .map(({ name }) => fileOf(name))
        .sort(),
    );
    expect(entrypoint('data-plane').onDemand).toContain('shared/attestation/attestation.ts');
    expect(entrypoint('data-plane').inputs).not.toContain('shared/attestation/attestation.ts');
  });

  test('the dispatcher cannot reach tables, secrets or the bridge even by mistake: their clients are not in it', () => {
    expect(packagesOf('wire')).not.toContain('@aws-sdk/client-dynamodb');
    expect(packagesOf('wire')).not.toContain('@aws-sdk/client-secrets-manager');
    expect(inputsOf('wire')).not.toContain('hsm-bridge/client/bridge-client.ts');
  });

  test.each(['wire', 'sweep', 'outbox-publisher', 'audit-archiver'])('%s knows the names of the operations, not the operations', (name) => {
    expect(inputsOf(name)).toContain('shared/operations/index.ts');
    expect(inputsOf(name).filter((input) => /^shared\/operations\/(?!index\.ts)/.test(input))).toEqual([]);
  });

  test('the data plane stays within its size budget', () => {
    expect(entrypoint('data-plane').bytes).toBeLessThanOrEqual(dataPlaneBytesMax);
  });

  test('the same sources give the same bytes, so that an unchanged deployment changes nothing', async () => {
    const another = join(folder, 'again');
    const again = await bundle(another, ['data-plane', 'wire']);

    expect(again).toEqual([entrypoint('data-plane'), entrypoint('wire')]);
    for (const name of again.flatMap((each) => each.files)) expect(readFileSync(join(another, name)).equals(readFileSync(join(folder, name)))).toBe(true);
  });
});
