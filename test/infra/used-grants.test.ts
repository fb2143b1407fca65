/** Every function uses only what its declaration grants it, and is granted little that it does not use: by running each operation against recording adapters. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dueTaskGrants, type Grant, grantsOf, outboxPublisherGrants, sweepGrants } from '#cdk/grants.ts';
import { createOutboxHandler } from '#lambdas/handlers/outbox-handler.ts';
import type { Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';
import { createService, type Service } from '#shared/pipeline/service.ts';
import { handleApiRequest } from '#shared/protocols/handle-api-request.ts';
import { DeleteKey } from '#shared/sweeps/delete-key.ts';
import { type DueTask, findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { RotateKey } from '#shared/sweeps/rotate-key.ts';
import { alice, awsJsonRequest, type InProcess, type Members, restRequest, startInProcess } from '../support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '../support/sample-requests.ts';
import { nameOf, recordingCrypto, recordingStore, type Used, violations } from './recording.ts';

let app: InProcess;
let keys: SampleKeys;
beforeAll(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
  for (const [name, KeyId] of Object.entries(keys)) await app.must('CreateAlias', { AliasName: `alias/${name}`, TargetKeyId: KeyId });
  // So that every request meets a sealed row about its caller.
  await app.must('CreateBinding', { Principal: alice.principalArn, RoleName: 'auditor' });
});
afterAll(() => app.close());

function record(of = app): { used: Used; service: Service } {
  const used: Used = { grants: new Set(), bridge: new Set() };
  return { used, service: createService({ ...of.service, store: recordingStore(of.store, used), crypto: recordingCrypto(of.crypto, used) }) };
}

async function call(service: Service, operation: string, members: Members): Promise<void> {
  const own = service.operations.get(operation)?.wire === false ? restRequest(service, operation, members) : awsJsonRequest(operation, members);
  const request = { method: 'POST', path: '/', query: '', headers: {}, body: new Uint8Array(), sourceIp: '192.0.2.1', ...own };
  const { status, body } = await handleApiRequest(service, request, () => alice);
  if (status >= 300) throw new Error(`${operation} was refused: ${body}`);
}

/** By key id and by alias, cold and warm: the lookups differ. */
async function useOf(operation: Operation): Promise<Used> {
  const { used, service } = record();
  const members = () => sampleRequest(app, keys, operation.name);
  await app.call('CancelKeyDeletion', { KeyId: keys.symmetric });
  // What is so already is not written again.
  await app.must(operation.name === 'EnableKey' ? 'DisableKey' : 'EnableKey', { KeyId: keys.symmetric });
  await app.must('UpdateKeyDescription', { KeyId: keys.symmetric, Description: '' });
  await call(service, operation.name, await members());
  if (!operation.needs.includes('committer')) {
    for (const [name, KeyId] of Object.entries(keys)) {
      const sample = await members();
      if (sample.KeyId !== KeyId || !takesAlias(operation)) continue;
      await call(service, operation.name, { ...sample, KeyId: `alias/${name}` });
      await call(service, operation.name, { ...sample, KeyId: `alias/${name}` });
    }
  }
  return used;
}

function takesAlias({ keys: references }: Operation): boolean {
  try {
    return references?.({ KeyId: 'x', CiphertextBlob: new Uint8Array() }).key?.accepts === 'any';
  } catch {
    return false;
  }
}

/** Granted for cases that a good request does not meet. */
function onlyInTrouble({ action, on }: Grant): boolean {
  // Warm lookups, several keys at once, and the look for the outbox row after a lost answer.
  return action === 'dynamodb:BatchGetItem' || (action === 'dynamodb:GetItem' && on !== 'material');
}

describe('every operation', () => {
  test.each(operations.map((operation) => [operation.name, operation] as const))('%s uses nothing that its function is not granted', async (_, operation) => {
    const used = await useOf(operation);

    expect(violations(used, grantsOf(operation))).toEqual([]);
  });

  test.each(operations.map((operation) => [operation.name, operation] as const))('%s is granted no table, index or kind of write that it does not use', async (_, operation) => {
    const used = await useOf(operation);
    const tables = (grants: readonly string[]) => new Set(grants.filter((name) => name.startsWith('dynamodb:')).map((name) => name.replace(/^.* on /, '').split('/')[0]));
    const granted = grantsOf(operation);

    expect(tables(granted.map(nameOf))).toEqual(tables([...used.grants]));
    const unusedWrites = granted.filter((grant) => /(?:Put|Delete)Item$/.test(grant.action) && !used.grants.has(nameOf(grant)));
    expect(unusedWrites).toEqual([]);
    expect(granted.some(({ on }) => on.startsWith('bridgeSecret/'))).toBe(used.bridge.size > 0);
  });

  test('an undeclared use is found', async () => {
    const byName = (name: string) => operations.find((operation) => operation.name === name)!;
    const encrypt = byName('Encrypt');
    const deleteAlias = byName('DeleteAlias');

    const withoutPorts = violations(await useOf(encrypt), grantsOf({ needs: [], keys: encrypt.keys!, material: true }));
    const withoutRemoval = violations(await useOf(deleteAlias), grantsOf({ needs: deleteAlias.needs, keys: deleteAlias.keys!, removes: false }));

    expect(withoutPorts).toEqual(['bridge encrypt', 'dynamodb:GetItem on ops', 'dynamodb:PutItem on ops']);
    expect(withoutRemoval).toEqual(['dynamodb:DeleteItem on core']);
  });

  test('what is granted for trouble only is reading', () => {
    for (const operation of operations) for (const grant of grantsOf(operation)) if (onlyInTrouble(grant)) expect(grant.action).toMatch(/GetItem$/);
  });
});

describe('the functions without a caller', () => {
  test('the sweep, the worker and the outbox publisher use nothing that they are not granted', async () => {
    const own = startInProcess();
    try {
      const { symmetric, otherSymmetric } = await createSampleKeys(own);
      await own.must('EnableKeyRotation', { KeyId: symmetric, RotationPeriodInDays: 90 });
      await own.must('CreateAlias', { AliasName: 'alias/doomed', TargetKeyId: otherSymmetric });
      await own.must('ScheduleKeyDeletion', { KeyId: otherSymmetric, PendingWindowInDays: 7 });
      own.clock.advanceDays(91);
      const rolled = { table: 'ops', pk: `USAGE#${alice.region}#${symmetric}`, sk: '0000000001' } as const;
      const body = { encryptions: 2 ** 31, region: alice.region, keyId: symmetric, version: 1 };
      await own.store.transact([{ put: { ...rolled, rev: 1, body, index: { due: { pk: 'DUE#ROLL', sk: `${rolled.pk}#${rolled.sk}` } } } }]);

      const sweep = record(own);
      const tasks: DueTask[] = [];
      for await (const task of findDueTasks(sweep.service.store, own.clock.now())) tasks.push(task);
      const worker = record(own);
      for (const task of tasks) await runDueTask(worker.service, task);
      const publisher = record(own);
      await createOutboxHandler({ store: publisher.service.store, audit: { append: async () => undefined }, now: () => own.clock.now() + 120_000 })({});

      expect(tasks.map(({ kind }) => kind).sort()).toEqual(['DELETION', 'ENCRYPTION_COUNT', 'ROTATION']);
      expect(violations(sweep.used, sweepGrants)).toEqual([]);
      expect(violations(worker.used, dueTaskGrants([RotateKey, DeleteKey]))).toEqual([]);
      expect(violations(publisher.used, outboxPublisherGrants)).toEqual([]);
      // And they did use them.
      expect(worker.used.grants).toContain('dynamodb:DeleteItem on material');
      expect(worker.used.bridge).toContain('generate-key');
      expect(publisher.used.grants).toContain('dynamodb:DeleteItem on core');
    } finally {
      own.close();
    }
  });
});
