import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { errorTable } from '#shared/errors.ts';
import { stateRowOf } from '#shared/keys/state-table.ts';
import type { Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';

interface Constraint {
  readonly type: string;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly member?: Constraint;
}
interface ModelOperation {
  readonly required: readonly string[];
  readonly input: Readonly<Record<string, Constraint>>;
  readonly output: readonly string[] | null;
}
const model = JSON.parse(readFileSync(new URL('./data/kms-model.json', import.meta.url), 'utf8')) as { operations: Readonly<Record<string, ModelOperation>> };
const modelled = model.operations;

const newerEnums = 'The AWS SDK for JavaScript 3.1164 knows values that this model does not have yet.';
const newerGrants = 'The AWS SDK for JavaScript 3.1164 knows grants for service principals; this model does not have them yet.';
const listLimits = 'The model says 1000; the API Reference holds callers to less (ListAliases 100, ListResourceTags 50).';

const regionNames = 'The model says 1, and gives a pattern that nothing shorter than five characters fits.';

/** Every place where an operation differs from the model, and why. An entry that is not needed fails the test. */
const deviations: Readonly<Record<string, string>> = {
  'ScheduleKeyDeletion.PendingWindowInDays max 30': 'The model says 1 to 365; the service holds callers to 7 to 30.',
  'ScheduleKeyDeletion.PendingWindowInDays min 7': 'The model says 1 to 365; the service holds callers to 7 to 30.',
  'ListAliases.Limit max 100': listLimits,
  'ListResourceTags.Limit max 50': listLimits,
  'CreateKey.KeyUsage enum': newerEnums,
  'CreateKey.KeySpec enum': newerEnums,
  'CreateKey.CustomerMasterKeySpec enum': newerEnums,
  'CreateKey.Tags max 200': 'The model has no bound, and every list here has one. More than 50 are refused as too many.',
  'ReplicateKey.Tags max 200': 'As CreateKey.',
  'ReplicateKey.ReplicaRegion min 5': regionNames,
  'UpdatePrimaryRegion.PrimaryRegion min 5': regionNames,
  'TagResource.Tags max 200': 'As CreateKey.',
  'UntagResource.TagKeys max 200': 'The model has no bound, and every list here has one.',
  'Decrypt.DryRunModifiers max 10': 'The model has no bound, and every list here has one.',
  'ReEncrypt.DryRunModifiers max 10': 'As Decrypt.',
  'Sign.KeyMaterialId answered in addition': 'Only of keys with versions, which AWS KMS does not have: the kid of the key that signed.',
  'ImportKeyMaterial.KeyMaterialDescription min 1': 'The model says 0, and gives a pattern that an empty text does not fit.',
  'GenerateDataKeyPair.KeyPairSpec enum': newerEnums,
  'GenerateDataKeyPairWithoutPlaintext.KeyPairSpec enum': newerEnums,
  'GetPublicKey.EncapsulationAlgorithms answered in addition': newerEnums,
  'CreateGrant.GranteePrincipal optional': newerGrants,
  'CreateGrant.GranteeServicePrincipal added': newerGrants,
  'CreateGrant.RetiringServicePrincipal added': newerGrants,
  'ListGrants.GranteeServicePrincipal added': newerGrants,
  'ListGrants.Limit max 100': listLimits,
  'ListKeys.ResourceOwners added': 'botocore 1.44 knows keys that accounts share through RAM; this model does not have them yet.',
  'ListRetirableGrants.RetiringPrincipal optional': 'As CreateGrant, in botocore 1.44.',
  'ListRetirableGrants.RetiringServicePrincipal added': 'As CreateGrant, in botocore 1.44.',
  'ListRetirableGrants.Limit max 100': listLimits,
  'CreateCustomKeyStore.XksProxyUriPath min 11': 'The model says 10, and its pattern fits nothing so short.',
  'UpdateCustomKeyStore.XksProxyUriPath min 11': 'As CreateCustomKeyStore.',
  'CreateCustomKeyStore.XksProxyVpcEndpointServiceName min 39': 'The model says 20, and its pattern fits nothing so short.',
  'UpdateCustomKeyStore.XksProxyVpcEndpointServiceName min 39': 'As CreateCustomKeyStore.',
  'GetKeyRotationStatus.OnDemandRotationStartDate not answered': 'A rotation on demand is finished when its request is answered.',
};

const kebab = (name: string): string => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
const parameters = (operation: Operation): string[] => [...operation.http.path.matchAll(/\{([A-Za-z]+)\}/g)].map((match) => match[1]!);

describe('the registry', () => {
  test('is in alphabetical order and holds every operation file, whose name is that of its operation', () => {
    const files = readdirSync(new URL('../../shared/operations/', import.meta.url)).filter((file) => file !== 'index.ts');

    expect(operations.map((operation) => operation.name)).toEqual(operations.map((operation) => operation.name).toSorted());
    expect(operations.map((operation) => `${kebab(operation.name)}.ts`).toSorted()).toEqual(files.toSorted());
  });

  test('gives every operation its own method and path', () => {
    const routes = operations.map(({ http }) => `${http.method} ${http.path.replaceAll(/\{[A-Za-z]+\}/g, '{}')}`);

    expect(new Set(routes).size).toBe(operations.length);
  });

  test.each(operations.map((operation) => [operation.name, operation] as const))('%s: every path parameter is a required member of its input', (_, operation) => {
    for (const name of parameters(operation)) expect(operation.input.shape[name]?.safeParse(undefined).success, name).toBe(false);
  });

  test.each(operations.map((operation) => [operation.name, operation] as const))('%s: has a row in the key-state table when it names keys', (_, operation) => {
    expect(stateRowOf(operation.name) !== undefined).toBe(operation.keys !== undefined);
  });

  test('lists each error once, in order, and only errors of the error table', () => {
    for (const { name, errors } of operations) {
      expect(errors, name).toEqual([...new Set(errors)].toSorted());
      for (const code of errors) expect(Object.keys(errorTable), name).toContain(code);
    }
  });
});

describe('the operations and the AWS KMS model', () => {
  const seen = new Set<string>();
  const deviates = (what: string): boolean => {
    seen.add(what);
    return what in deviations;
  };

  test('the operations that only REST reaches are not in the model', () => {
    for (const { name } of operations.filter(({ wire }) => wire === false)) expect(modelled[name], name).toBeUndefined();
  });

  const inModel = operations.filter(({ wire }) => wire !== false).map((operation) => [operation.name, operation] as const);
  test.each(inModel)('%s: members, bounds, patterns and enumerations are those of the model', (_, operation) => {
    const expected = modelled[operation.name];
    if (expected === undefined) throw new Error(`${operation.name} is not an operation of AWS KMS. If it is an extension, say so in this test.`);
    const differences: string[] = [];
    const note = (what: string): void => {
      if (!deviates(what)) differences.push(what);
    };

    for (const name of Object.keys(operation.input.shape)) if (expected.input[name] === undefined) note(`${operation.name}.${name} added`);
    for (const [name, constraint] of Object.entries(expected.input)) {
      const schema = operation.input.shape[name];
      if (schema === undefined) note(`${operation.name}.${name} absent`);
      else for (const difference of compare(operation.input, name, constraint, expected.required.includes(name))) note(`${operation.name}.${difference}`);
    }
    for (const name of expected.output ?? []) if (operation.output?.shape[name] === undefined) note(`${operation.name}.${name} not answered`);
    for (const name of Object.keys(operation.output?.shape ?? {})) if (expected.output?.includes(name) !== true) note(`${operation.name}.${name} answered in addition`);

    expect(differences).toEqual([]);
  });

  test('every documented deviation is a real one', () => {
    expect(Object.keys(deviations).filter((what) => !seen.has(what))).toEqual([]);
  });
});

/** Finds the bounds by trying values, so that it does not matter how the schema is written. */
function compare(input: z.ZodObject, name: string, constraint: Constraint, isRequired: boolean): string[] {
  const differences: string[] = [];
  const refuses = (value: unknown): boolean => input.safeParse({ [name]: value }).error?.issues.some((issue) => issue.path[0] === name) === true;
  const check = (isAsModelled: boolean, what: string): void => {
    if (!isAsModelled) differences.push(`${name} ${what}`);
  };
  if (refuses(undefined) !== isRequired) differences.push(`${name} ${isRequired ? 'optional' : 'required'}`);
  if (constraint.enum !== undefined) {
    const offered = enumValues(input, name);
    check(JSON.stringify(offered.toSorted()) === JSON.stringify(constraint.enum.toSorted()), 'enum');
    return differences;
  }
  const make = makers[constraint.type];
  if (make === undefined) return differences;
  const accepts = (size: number): boolean => !refuses((patterned[name] ?? make)(size, name));
  const smallest = sizes.find(accepts) ?? 0;
  const reached = sizes.findLast(accepts);
  // Nothing bounds a member that takes the largest size tried.
  const largest = reached === sizes.at(-1) ? undefined : reached;
  if (smallest !== (constraint.min ?? 0) && !(constraint.type === 'integer' && constraint.min === undefined)) differences.push(`${name} min ${smallest}`);
  if (largest !== constraint.max) differences.push(`${name} max ${largest}`);
  if (constraint.pattern !== undefined) check(refuses(constraint.pattern.includes('u00FF') ? 'a\u0100' : 'a b!'), 'pattern');
  if (constraint.type === 'list' && constraint.member?.max !== undefined)
    check(refuses(['a'.repeat(constraint.member.max + 1)]) && !refuses(['a'.repeat(constraint.member.max)]), 'element length');
  return differences;
}

const elements: Readonly<Record<string, unknown>> = { Tags: { TagKey: 'k', TagValue: 'v' }, DryRunModifiers: 'IGNORE_CIPHERTEXT' };
const sampleElement = (name: string): unknown => elements[name] ?? 'a';
const makers: Readonly<Record<string, (size: number, name: string) => unknown>> = {
  string: (size, name) => (name.endsWith('Region') && size > 4 ? `a-a-${'1'.repeat(size - 4)}` : 'a'.repeat(size)),
  blob: (size) => Buffer.alloc(size).toString('base64'),
  integer: (size) => size,
  list: (size, name) => Array.from({ length: size }, () => sampleElement(name)),
};
/** Members that no run of one letter fits: something that does, of that size. */
const patterned: Readonly<Record<string, (size: number) => string>> = {
  CloudHsmClusterId: (size) => 'cluster-'.padEnd(size, 'a'),
  XksProxyUriEndpoint: (size) => 'https://'.padEnd(size, 'a'),
  XksProxyUriPath: (size) => (size < 13 ? '/kms/xks/v1' : `/${'a'.repeat(size - 12)}/kms/xks/v1`).slice(0, size),
  XksProxyVpcEndpointServiceName: (size) => 'com.amazonaws.vpce.us-east-1.vpce-svc-'.padEnd(size, 'a'),
  XksProxyVpcEndpointServiceOwner: (size) => '1'.repeat(size),
};
const candidates = [
  12, 13, 19, 20, 24, 25, 32, 33, 39, 5000, 5001, 0, 1, 5, 6, 7, 10, 11, 30, 31, 50, 51, 64, 65, 90, 100, 101, 128, 129, 200, 201, 256, 257, 365, 366, 1000, 1001, 1024, 1025, 2048,
  2049, 2560, 2561, 4096, 4097, 6144, 6145,
];
const sizes = [...candidates, 8192, 8193, 131_072, 131_073].toSorted((a, b) => a - b);

function enumValues(input: z.ZodObject, name: string): string[] {
  const issue = input.safeParse({ [name]: 'no such value' }).error?.issues.find((candidate) => candidate.path[0] === name);
  return issue?.code === 'invalid_value' ? issue.values.map(String) : [];
}
