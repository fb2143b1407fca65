import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionEnvironments } from '#shared/env/function-environment.ts';
import { type BundledFile, bundle, dataPlaneBytesMax, entrypoints } from '../../scripts/bundle.ts';

/** Variables that cannot hold just any text. */
const values: Readonly<Record<string, string>> = { CHATELAINE_OPERATION: 'Encrypt', CHATELAINE_CERTIFICATE_DAYS: '30', CHATELAINE_CLIENT_CERTIFICATE_SECRETS: 'crypto=arn' };

let folder: string;
let files: readonly BundledFile[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chatelaine-bundle-'));
  files = await bundle(folder);
  const names = Object.values(functionEnvironments).flatMap(({ shape }) => Object.keys(shape));
  for (const name of names.filter((name) => !['CHATELAINE_ADMINISTRATORS', 'CHATELAINE_ATTESTATION_ROOTS', 'CHATELAINE_KEY_STORES'].includes(name)))
    process.env[name] ??= values[name] ?? 'https://127.0.0.1:1';
  process.env.AWS_REGION ??= 'us-east-1';
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inputsOf = (name: string): readonly string[] => files.find((file) => file.name === `${name}.mjs`)?.inputs ?? [];
const packagesOf = (name: string): Set<string> => new Set(inputsOf(name).flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));

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

  test('the data plane has the clients that it uses and no other, and not the default credential chain', () => {
    const clients = [...packagesOf('operation')].filter((name) => name.startsWith('@aws-sdk/client-')).sort();

    expect(clients).toEqual(['@aws-sdk/client-dynamodb', '@aws-sdk/client-eventbridge', '@aws-sdk/client-secrets-manager', '@aws-sdk/client-sqs']);
    expect(packagesOf('operation')).not.toContain('@aws-sdk/credential-provider-node');
  });

  test('the dispatcher cannot reach tables, secrets or the bridge even by mistake: their clients are not in it', () => {
    expect(packagesOf('wire')).not.toContain('@aws-sdk/client-dynamodb');
    expect(packagesOf('wire')).not.toContain('@aws-sdk/client-secrets-manager');
    expect(inputsOf('wire')).not.toContain('hsm-bridge/client/bridge-client.ts');
  });

  test('the data plane stays within its size budget', () => {
    expect(files.find(({ name }) => name === 'operation.mjs')?.bytes).toBeLessThanOrEqual(dataPlaneBytesMax);
  });

  test('the same sources give the same bytes, so that an unchanged deployment changes nothing', async () => {
    const again = await bundle(folder);

    expect(again).toEqual(files);
  });
});
