/** Every function uses only what its declaration grants it, and is granted nothing that it does not use: by running each operation against recording adapters. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dueTaskGrants, grantsOf, outboxPublisherGrants, sweepGrants } from '#cdk/grants.ts';
import { createOutboxHandler } from '#lambdas/handlers/outbox-handler.ts';
import type { Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';
import { createService, type Service } from '#shared/pipeline/service.ts';
import { handleApiRequest } from '#shared/protocols/handle-api-request.ts';
import { rollPartition } from '#shared/repositories/encryption-counter.ts';
import type { PartitionedName } from '#shared/repositories/partitions.ts';
import { DeleteExpiredKeyMaterial } from '#shared/sweeps/delete-expired-key-material.ts';
import { DeleteKey } from '#shared/sweeps/delete-key.ts';
import { type DueTask, findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { RotateKey } from '#shared/sweeps/rotate-key.ts';
import { importRequest } from '../support/import-request.ts';
import { alice, awsJsonRequest, type InProcess, type Members, restRequest, startInProcess } from '../support/in-process.ts';
import { createKeyInStore, createStore } from '../support/key-stores.ts';
import { createSampleKeys, roleDocument, type SampleKeys, sampleRequest } from '../support/sample-requests.ts';
import { type EvaluatedStatement, isAllowed, statementsOfRole } from './policy-evaluator.ts';
import { nothingUsed, recordingCrypto, recordingStore, type TableAccess, type Used, unused, violations } from './recording.ts';
import { ofType, type StackName, synthesise, type Templates } from './synthesised.ts';

let app: InProcess;
let keys: SampleKeys;
/** Where the keys are in a custom key store. */
let stored: { readonly app: InProcess; readonly store: string; readonly key: string; readonly alias: string };
let templates: Templates;
const uses = new Map<string, Promise<Used>>();

beforeAll(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
  for (const [name, KeyId] of Object.entries(keys)) await app.must('CreateAlias', { AliasName: `alias/${name}`, TargetKeyId: KeyId });
  stored = await startWithStore();
  templates = synthesise();
});
afterAll(() => {
  app.close();
  stored.app.close();
});

async function startWithStore(): Promise<typeof stored> {
  const own = startInProcess();
  // So that every request meets sealed rows about its caller, one of which asks for the aliases of keys.
  const Condition = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/none' } };
  const Document = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*', Condition } });
  await own.must('CreateRole', { RoleName: 'reader', Document });
  await own.must('CreateBinding', { Principal: alice.principalArn, RoleName: 'reader' });
  const store = await createStore(own);
  const key = await createKeyInStore(own, store);
  await own.must('CreateAlias', { AliasName: 'alias/stored', TargetKeyId: key });
  return { app: own, store, key, alias: 'alias/stored' };
}

function record(of = app, used = nothingUsed()): { used: Used; service: Service } {
  return { used, service: createService({ ...of.service, store: recordingStore(of.store, used), crypto: recordingCrypto(of.crypto, used) }) };
}

async function call(service: Service, operation: string, members: Members, mayFail = false): Promise<void> {
  const own = service.operations.get(operation)?.wire === false ? restRequest(service, operation, members) : awsJsonRequest(operation, members);
  const request = { method: 'POST', path: '/', query: '', headers: {}, body: new Uint8Array(), sourceIp: '192.0.2.1', ...own };
  const { status, body } = await handleApiRequest(service, request, () => alice);
  if (status >= 300 && !mayFail) throw new Error(`${operation} was refused: ${body}`);
}

/** Requests beside the sample, for what an operation does only then. */
const more: Readonly<Record<string, () => Promise<Members>>> = {
  ListAliases: async () => ({}),
  DeleteBinding: async () => {
    const Principal = 'arn:aws:iam::111122223333:user/two-roles';
    await app.must('CreateRole', { RoleName: 'second', Document: roleDocument });
    for (const RoleName of ['auditor', 'second']) await app.must('CreateBinding', { Principal, RoleName });
    return { Principal, RoleName: 'second' };
  },
};

/** Recorded once: the tests ask several things about it. */
function useOf(operation: Operation): Promise<Used> {
  const known = uses.get(operation.name) ?? recordUse(operation);
  uses.set(operation.name, known);
  return known;
}

/** By key id and by alias, cold and warm, with a key of a custom key store, and when the answers of the database are lost: the lookups differ. */
async function recordUse(operation: Operation): Promise<Used> {
  const { used, service } = record();
  const members = () => sampleRequest(app, keys, operation.name);
  await app.call('CancelKeyDeletion', { KeyId: keys.symmetric });
  // What is so already is not written again.
  await app.must(operation.name === 'EnableKey' ? 'DisableKey' : 'EnableKey', { KeyId: keys.symmetric });
  await app.must('UpdateKeyDescription', { KeyId: keys.symmetric, Description: '' });
  if (operation.name === 'DisableKeyRotation') await app.must('EnableKeyRotation', { KeyId: keys.symmetric });
  await call(service, operation.name, await members());
  if (more[operation.name] !== undefined) await call(service, operation.name, await more[operation.name]!());
  if (operation.byAlias === true && !operation.needs.includes('committer')) {
    for (const [name, KeyId] of Object.entries(keys)) {
      const sample = await members();
      if (sample.KeyId !== KeyId) continue;
      await call(service, operation.name, { ...sample, KeyId: `alias/${name}` });
      await call(service, operation.name, { ...sample, KeyId: `alias/${name}` });
    }
  }
  await useWithStore(operation, await members(), used);
  return used;
}

/** The operation may refuse such a key. What it reads before is what counts. */
async function useWithStore({ name, batchOf, byAlias }: Operation, sample: Members, used: Used): Promise<void> {
  const { service } = record(stored.app, used);
  const { key, alias: AliasName, store: CustomKeyStoreId } = stored;
  const own: Readonly<Record<string, Members>> = {
    CreateKey: { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId },
    GenerateRandom: { NumberOfBytes: 8, CustomKeyStoreId },
    RetireGrant: { KeyId: key, GrantId: '0'.repeat(64) },
  };
  const naming = (KeyId: string, members: Members): Members =>
    Object.fromEntries(
      Object.entries(members).map(([member, value]) => [member, /^(?:Target|Destination)?KeyId$/.test(member) ? KeyId : member === 'AliasName' ? AliasName : value]),
    );
  for (const KeyId of byAlias === true || batchOf?.byAlias === true ? [key, AliasName] : [key]) {
    const members = batchOf === undefined ? naming(KeyId, sample) : { Items: (sample.Items as Members[]).map((item) => naming(KeyId, item)) };
    await call(service, name, own[name] ?? members, true);
  }
  if (name === 'DeleteAlias') await stored.app.must('CreateAlias', { AliasName, TargetKeyId: key });
}

/** The names in a template for what accesses are about. */
const resourceOf = (on: PartitionedName): string => {
  const [table, index] = on.split('/');
  const arn = `data.${table!.charAt(0).toUpperCase()}${table!.slice(1)}Table.Arn`;
  return index === undefined ? arn : `${arn}/index/${index}`;
};

function statementsOf(stack: StackName, name: string): EvaluatedStatement[] {
  const [found] = ofType(templates[stack], 'AWS::IAM::Role').filter(([logicalId]) => new RegExp(`^${name.replace(/Role$/, '')}Role[0-9A-F]{8}$`).test(logicalId));
  return statementsOfRole(found![1], stack, templates);
}

const isAccessAllowed = (statements: readonly EvaluatedStatement[], { action, on, partitionKeys }: TableAccess): boolean =>
  isAllowed(statements, { action, resource: resourceOf(on), context: partitionKeys.length === 0 ? {} : { 'dynamodb:LeadingKeys': partitionKeys } });

const refused = (statements: readonly EvaluatedStatement[], { accesses }: Used): TableAccess[] => accesses.filter((access) => !isAccessAllowed(statements, access));

const everyOperation = operations.map((operation) => [operation.name, operation] as const);

describe('every operation', () => {
  test.each(everyOperation)('%s uses nothing that its function is not granted', async (_, operation) => {
    expect(violations(await useOf(operation), grantsOf(operation))).toEqual([]);
  });

  test.each(everyOperation)('%s is granted no partition, index or kind of write that it does not use', async (_, operation) => {
    const used = await useOf(operation);

    expect(unused(used, grantsOf(operation))).toEqual([]);
    expect(grantsOf(operation).some(({ on }) => on.startsWith('bridgeSecret/'))).toBe(used.bridge.size > 0);
  });

  test.each(everyOperation)("%s: IAM allows each request that was recorded, by the function's own policy", async (name, operation) => {
    const used = await useOf(operation);

    expect(used.accesses.length).toBeGreaterThan(0);
    expect(refused(statementsOf('api', name), used)).toEqual([]);
  });

  test('an undeclared use is found, and so is a declared one that is not made', async () => {
    const byName = (name: string) => operations.find((operation) => operation.name === name)!;
    const encrypt = byName('Encrypt');
    const deleteAlias = byName('DeleteAlias');
    const [ofEncrypt, ofDeleteAlias] = [await useOf(encrypt), await useOf(deleteAlias)];

    const withoutPorts = violations(ofEncrypt, grantsOf({ needs: [], keys: encrypt.keys!, byAlias: true, material: true }));
    const withoutRemoval = violations(ofDeleteAlias, grantsOf({ needs: deleteAlias.needs, keys: deleteAlias.keys!, byAlias: true, removes: ['alias'] }));
    const withoutAlias = violations(ofEncrypt, grantsOf({ needs: encrypt.needs, keys: encrypt.keys!, material: true }));
    const tooMuch = unused(ofEncrypt, grantsOf({ ...encrypt, lists: ['roles'], needs: [...encrypt.needs, 'materialEraser'] }));

    expect(withoutPorts).toEqual([
      'bridge encrypt',
      ...['GetItem on ops of USAGE#*', 'PutItem on ops of LASTUSE#*', 'PutItem on ops of USAGE#*'].map((name) => `dynamodb:${name}`),
    ]);
    expect(withoutRemoval).toEqual(['dynamodb:DeleteItem on core of KEY#*']);
    expect(withoutAlias).toEqual(expect.arrayContaining(['dynamodb:BatchGetItem on core of ALIAS#*']));
    expect(tooMuch).toEqual(['dynamodb:Query on core/list of LIST#ROLE#*', 'dynamodb:DeleteItem on material of KEY#*']);
  });
});

describe('what a stolen role cannot do', () => {
  const access = (action: string, on: PartitionedName, ...partitionKeys: string[]): TableAccess => ({ action: `dynamodb:${action}`, on, partitionKeys });
  const key = `KEY#eu-west-1#${'a'.repeat(36)}`;

  test.each([
    ['Encrypt', 'write any row of the core table', access('PutItem', 'core', key)],
    ['Encrypt', 'read the audit records that wait', access('GetItem', 'core', 'OUTBOX#01')],
    ['Encrypt', 'read one foreign partition among its own', access('BatchGetItem', 'core', key, 'OUTBOX#01')],
    ['Encrypt', 'list', access('Query', 'core/list', 'LIST#KEY#eu-west-1#111122223333#0')],
    // ForAllValues would hold for a request without a key: these actions can come without one, and nobody has them.
    ['Encrypt', 'scan', access('Scan', 'core')],
    ['Encrypt', 'ask in PartiQL', access('PartiQLSelect', 'core')],
    ['Encrypt', 'write material', access('PutItem', 'material', key)],
    ['DisableKey', 'write a role', access('PutItem', 'core', 'ROLE#111122223333#administrator')],
    ['DisableKey', 'write a binding', access('PutItem', 'core', 'BINDING#111122223333#arn:aws:iam::111122223333:user/mallory')],
    ['DisableKey', 'read an alias', access('GetItem', 'core', 'ALIAS#eu-west-1#111122223333#alias/a')],
    ['DisableKey', 'remove a row', access('DeleteItem', 'core', key)],
    ['CreateRole', 'bind a role', access('PutItem', 'core', 'BINDING#111122223333#arn:aws:iam::111122223333:user/mallory')],
    ['CreateAlias', 'write a key store', access('PutItem', 'core', 'KEYSTORES#eu-west-1#111122223333')],
    ['ListKeys', 'list roles', access('Query', 'core/list', 'LIST#ROLE#111122223333')],
    ['ListKeys', 'read a key', access('GetItem', 'core', key)],
    ['CreateKey', 'write into the index of a partition that is none', access('PutItem', 'core', 'KEY')],
  ])('%s may not %s', (name, _, attempt) => {
    expect(isAccessAllowed(statementsOf('api', name), attempt)).toBe(false);
  });

  test.each([
    ['OutboxPublisher', access('DeleteItem', 'core', key)],
    ['OutboxPublisher', access('Query', 'core/due', 'DUE#DELETION#0')],
    ['Sweep', access('Query', 'core/due', 'DUE#OUTBOX#0')],
    ['Sweep', access('GetItem', 'core', 'BINDING#111122223333#arn:aws:iam::111122223333:user/alice')],
    ['DueTask', access('PutItem', 'core', 'ROLE#111122223333#administrator')],
  ])('%s may not %j', (name, attempt) => {
    expect(isAccessAllowed(statementsOf('lifecycle', name), attempt)).toBe(false);
  });
});

describe('the functions without a caller', () => {
  test('the sweep, the worker and the outbox publisher use what they are granted, all of it and nothing else, and IAM allows it', async () => {
    const own = startInProcess();
    try {
      const { symmetric, otherSymmetric, external } = await createSampleKeys(own);
      const inStore = await createKeyInStore(own, await createStore(own));
      await own.must('EnableKeyRotation', { KeyId: symmetric, RotationPeriodInDays: 90 });
      await own.must('CreateAlias', { AliasName: 'alias/doomed', TargetKeyId: otherSymmetric });
      for (const KeyId of [otherSymmetric, inStore]) await own.must('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
      const ValidTo = Math.floor(own.clock.now() / 1000) + 86_400;
      await own.must('ImportKeyMaterial', { ...(await importRequest(own, external)), ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo });
      own.clock.advanceDays(91);
      const rolled = { table: 'ops', pk: `USAGE#${alice.region}#${symmetric}`, sk: '0000000001' } as const;
      const body = { encryptions: 2 ** 31, region: alice.region, keyId: symmetric, version: 1 };
      await own.store.transact([{ put: { ...rolled, rev: 1, body, index: { due: { pk: rollPartition, sk: `${rolled.pk}#${rolled.sk}` } } } }]);

      const sweep = record(own);
      const tasks: DueTask[] = [];
      for await (const task of findDueTasks(sweep.service.store, own.clock.now())) tasks.push(task);
      const worker = record(own);
      for (const task of tasks) await runDueTask(worker.service, task);
      const publisher = record(own);
      await createOutboxHandler({ store: publisher.service.store, audit: { append: async () => undefined }, now: () => own.clock.now() + 120_000 })({});

      expect(tasks.map(({ kind }) => kind).sort()).toEqual(['DELETION', 'DELETION', 'ENCRYPTION_COUNT', 'EXPIRY', 'ROTATION']);
      for (const [name, { used }, grants] of [
        ['Sweep', sweep, sweepGrants],
        ['DueTask', worker, dueTaskGrants([RotateKey, DeleteKey, DeleteExpiredKeyMaterial])],
        ['OutboxPublisher', publisher, outboxPublisherGrants],
      ] as const) {
        expect(violations(used, grants), name).toEqual([]);
        expect(unused(used, grants), name).toEqual([]);
        expect(refused(statementsOf('lifecycle', name), used), name).toEqual([]);
      }
      // And they did use them.
      expect(worker.used.bridge).toContain('generate-key');
    } finally {
      own.close();
    }
  });
});
