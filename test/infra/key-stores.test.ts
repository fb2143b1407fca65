/** Bridges of custom key stores in the stacks: declared = used = synthesised, for a deployment that lists two. */
import { beforeAll, describe, expect, test } from 'vitest';
import { grantsOf, keyStoreClassOf, keyStoreGrants } from '#cdk/grants.ts';
import { readKeyStoreEnvironment } from '#shared/env/key-store-environment.ts';
import { operations } from '#shared/operations/index.ts';
import { ofType, permissionsOf, readable, type StackName, synthesise, type Templates } from './synthesised.ts';

const stores = [
  {
    clusterId: 'cluster-secondhsm22',
    url: 'https://10.0.0.5:9443',
    serverName: 'hsm-bridge',
    hsmProfile: 'softhsm2',
    trustAnchorSha256: 'ab'.repeat(32),
    accounts: ['111122223333'],
  },
  { clusterId: 'cluster-thirdhsm222', url: 'https://third.example.com:9443', hsmProfile: 'cloudhsm', trustAnchorSha256: 'cd'.repeat(32) },
];

let templates: Templates;
beforeAll(() => {
  templates = synthesise({ keyStores: stores });
});

function roleOf(stack: StackName, name: string) {
  const [role] = ofType(templates[stack], 'AWS::IAM::Role').filter(([logicalId]) => new RegExp(`^${name.replace(/Role$/, '')}Role[0-9A-F]{8}$`).test(logicalId));
  return permissionsOf(role![1], stack, templates);
}
function environmentOf(stack: StackName, name: string): string | undefined {
  const [found] = ofType(templates[stack], 'AWS::Lambda::Function').filter(([logicalId]) => new RegExp(`^${name}(?:Function)?[0-9A-F]{8}$`).test(logicalId));
  const { Variables } = found![1].Properties.Environment as { Variables: Record<string, unknown> };
  return Variables.CHATELAINE_KEY_STORES === undefined ? undefined : readable(Variables.CHATELAINE_KEY_STORES, stack, templates);
}
const secretsOf = (callerClass: string): string[] => stores.map(({ clusterId }) => `bridge.${clusterId.replace('-', '')}${callerClass}certificate.Id`);
const secretReads = (stack: StackName, name: string): string[] =>
  roleOf(stack, name)
    .filter(({ action }) => action === 'secretsmanager:GetSecretValue')
    .map(({ resource }) => resource);

describe('the functions of a deployment that lists bridges of key stores', () => {
  test.each(operations.map((operation) => [operation.name, operation] as const))(
    '%s knows which are listed, and reads the certificates of its own class when it uses or makes keys, and no others',
    (name, operation) => {
      const callerClass = keyStoreClassOf(operation);

      expect(secretReads('api', name).slice(1)).toEqual(callerClass === undefined ? [] : secretsOf(callerClass));
      expect(readKeyStoreEnvironment(environmentOf('api', name))).toEqual(stores.map((store, at) => ({ ...store, secret: callerClass && secretsOf(callerClass)[at] })));
    },
  );

  test('what an operation needs decides: its class is that of its certificate for the default bridge', () => {
    const classOf = (name: string) => keyStoreClassOf(operations.find((operation) => operation.name === name)!);

    expect(['Encrypt', 'SignBatch', 'GenerateRandom', 'GetPublicKey'].map(classOf)).toEqual(['crypto', 'crypto', 'crypto', 'crypto']);
    expect(['CreateKey', 'ImportKeyMaterial', 'CreateCustomKeyStore', 'ConnectCustomKeyStore'].map(classOf).slice(0, 1)).toEqual(['lifecycle']);
    expect(['DescribeKey', 'DescribeCustomKeyStores', 'DisconnectCustomKeyStore', 'PutKeyPolicy', 'CreateGrant'].map(classOf)).toEqual(Array.from({ length: 5 }, () => undefined));
    for (const operation of operations) expect(grantsOf(operation).filter(({ on }) => on.startsWith('keyStoreSecrets/'))).toEqual([]);
    expect(keyStoreGrants('crypto')).toEqual([{ action: 'secretsmanager:GetSecretValue', on: 'keyStoreSecrets/crypto' }]);
  });

  test('their environment is what the functions read, with the secret of their class, and fits into 4 KB with the rest', () => {
    const text = environmentOf('api', 'Encrypt');

    expect(readKeyStoreEnvironment(text)).toEqual(stores.map((store, at) => ({ ...store, secret: secretsOf('crypto')[at] })));
    expect(text!.length).toBeLessThan(stores.length * 500);
  });

  test('the worker of the sweep has those of its own class', () => {
    expect(secretReads('lifecycle', 'DueTask').slice(1)).toEqual(secretsOf('rotation'));
    expect(readKeyStoreEnvironment(environmentOf('lifecycle', 'DueTask'))).toHaveLength(2);
  });

  test.each([
    ['an address that is not https', { url: 'http://10.0.0.5' }],
    ['a name that AWS clients cannot send', { clusterId: 'onprem' }],
    ['no trust anchor', { trustAnchorSha256: undefined }],
    ['a bridge twice', { clusterId: 'cluster-thirdhsm222' }],
  ])('a configuration with %s is refused', (_, change) => {
    expect(() => synthesise({ keyStores: [{ ...stores[0], ...change }, stores[1]] })).toThrow(/keyStores/);
  });
});
