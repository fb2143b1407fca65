import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDynamoDbClient, type DynamoDbClient } from '#lambdas/adapters/dynamodb-client.ts';
import { createDynamoDbStore } from '#lambdas/adapters/dynamodb-store.ts';
import { type Item, type RecordStore, StoreUnavailable, type TableName, TransactionCancelled } from '#shared/ports/record-store.ts';
import { createTables } from '#test/support/dynamodb-tables.ts';
import { type Emulator, startEmulator } from '#test/support/emulator.ts';
import { type FaultProxy, pass, startFaultProxy } from '#test/support/fault-proxy.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(async () => {
  await emulator?.stop();
});

function newClient(endpoint = emulator.endpoint): DynamoDbClient {
  return createDynamoDbClient({ endpoint, region: emulator.region, credentials: emulator.credentials });
}

describe('the DynamoDB record store when the network or the service fails', () => {
  let proxy: FaultProxy;
  let tables: Record<TableName, string>;
  let store: RecordStore;
  let other: RecordStore;
  const clients: DynamoDbClient[] = [];
  const deadlineMs = 1500;
  beforeEach(async () => {
    proxy = await startFaultProxy(emulator.endpoint);
    clients.push(newClient(), newClient(proxy.endpoint));
    tables = await createTables(emulator);
    other = createDynamoDbStore({ client: clients[0]!, tables });
    store = createDynamoDbStore({ client: clients[1]!, tables, deadlineMs });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
  });

  const key = { table: 'core', pk: 'KEY#1', sk: 'META' } as const;
  const item = (rev: number, by = 'us'): Item => ({ ...key, rev, body: { by } });
  const standing = async () => (await other.getMany([key]))[0];
  const failure = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => expect.unreachable('It succeeded.'),
      (error: unknown) => error,
    );
  const refusal = (name: string, more: object = {}) =>
    ({ kind: 'answer', status: 400, body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'no', ...more } }) as const;
  const broken = { kind: 'answer', status: 500, body: { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message: 'broken' } } as const;

  test('a conditional write whose answer is lost is not mistaken for one that was beaten', async () => {
    await other.transact([{ put: item(1) }]);
    proxy.decide(({ number }) => (number === 0 ? { kind: 'lose-answer' } : pass));

    await store.transact([{ put: item(2), if: { rev: 1 } }]);

    expect(await standing()).toStrictEqual(item(2));
    expect(proxy.requests()).toBe(2);
  });

  test('a conditional write whose request is lost, and that another write beats, is cancelled', async () => {
    await other.transact([{ put: item(1) }]);
    proxy.decide(async ({ number }) => {
      if (number > 0) return pass;
      await other.transact([{ put: item(2, 'them') }]);
      return { kind: 'lose-request' };
    });

    const error = await failure(store.transact([{ put: item(2), if: { rev: 1 } }]));

    expect(error).toBeInstanceOf(TransactionCancelled);
    expect(await standing()).toStrictEqual(item(2, 'them'));
  });

  test('a conditional write whose answer is lost, and that has been written over since, says that its outcome is unknown', async () => {
    await other.transact([{ put: item(1) }]);
    proxy.decide(async ({ number }) => {
      if (number === 1) await other.transact([{ put: item(3, 'them'), if: { rev: 2 } }]);
      return number === 0 ? { kind: 'lose-answer' } : pass;
    });

    const error = await failure(store.transact([{ put: item(2), if: { rev: 1 } }]));

    expect(error).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: true });
    expect(await standing()).toStrictEqual(item(3, 'them'));
  });

  test.each(['lose-answer', 'lose-request'] as const)('a transaction is applied exactly once after "%s"', async (kind) => {
    await other.transact([{ put: item(1) }]);
    proxy.decide(({ number }) => (number === 0 ? { kind } : pass));

    await store.transact([
      { put: item(2), if: { rev: 1 } },
      { put: { ...item(1), sk: 'EVT#1' }, if: { absent: true } },
    ]);

    expect(await standing()).toStrictEqual(item(2));
  });

  test('a conditional delete is applied exactly once after a lost answer', async () => {
    await other.transact([{ put: item(1) }]);
    proxy.decide(({ number }) => (number === 0 ? { kind: 'lose-answer' } : pass));

    await store.transact([{ delete: key, if: { rev: 1 } }]);

    expect(await standing()).toBeUndefined();
  });

  test.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'])('a short %s is ridden out, in reads and writes', async (name) => {
    proxy.decide(({ number }) => (number % 2 === 0 ? refusal(name) : pass));

    await store.transact([{ put: item(1), if: { absent: true } }]);
    await store.transact([
      { put: item(2), if: { rev: 1 } },
      { check: { ...key, sk: 'NONE' }, if: { absent: true } },
    ]);

    expect(await store.getMany([key])).toStrictEqual([item(2)]);
    expect((await store.query({ table: 'core', pk: 'KEY#1', limit: 10 })).items).toStrictEqual([item(2)]);
  });

  test('a long throttling is StoreUnavailable, and known to have changed nothing', async () => {
    proxy.decide(({ operation }) =>
      refusal(operation === 'TransactWriteItems' ? 'TransactionCanceledException' : 'ThrottlingException', {
        CancellationReasons: [{ Code: 'ThrottlingError' }, { Code: 'None' }],
      }),
    );

    for (const writes of [[{ put: item(1) }], [{ put: item(1) }, { check: { ...key, sk: 'NONE' }, if: { absent: true } as const }]]) {
      expect(await failure(store.transact(writes))).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
    }
    expect(await failure(store.getMany([key]))).toBeInstanceOf(StoreUnavailable);
  });

  test('a broken service is StoreUnavailable; of a write the outcome is unknown', async () => {
    proxy.decide(() => broken);

    expect(await failure(store.getMany([key]))).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
    expect(await failure(store.query({ table: 'core', pk: 'KEY#1', limit: 1 }))).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
    expect(await failure(store.transact([{ put: item(1) }]))).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: true });
    expect(await failure(store.transact([{ delete: key }]))).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: true });
    expect(await failure(store.transact([{ put: item(1) }], { token: 'token' }))).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: true });
  });

  test('a service that never answers ends in StoreUnavailable and not in a hang', async () => {
    proxy.decide(() => ({ kind: 'silence' }));

    expect(await failure(store.getMany([key]))).toBeInstanceOf(StoreUnavailable);
    expect(await failure(store.transact([{ put: item(1) }]))).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: true });
  });

  test('where nothing listens, a write is StoreUnavailable and known not to be applied', async () => {
    await proxy.close();
    const error = await failure(store.transact([{ put: item(1) }]));
    proxy = await startFaultProxy(emulator.endpoint);

    expect(error).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
  });

  test('a batch that is answered in part is asked for again until it is whole', async () => {
    const keys = ['A', 'B', 'C'].map((sk) => ({ ...key, sk }));
    await other.transact(keys.map((each) => ({ put: { ...each, rev: 1, body: {} } })));
    proxy.decide(({ number, body }) => (number < 2 ? { kind: 'answer', status: 200, body: { Responses: {}, UnprocessedKeys: body.RequestItems } } : pass));

    const found = await store.getMany(keys);

    expect(found.map((each) => each?.sk)).toEqual(['A', 'B', 'C']);
  });

  test('a batch that is never answered whole is StoreUnavailable, and no item is said to be absent', async () => {
    proxy.decide(({ body }) => ({ kind: 'answer', status: 200, body: { Responses: {}, UnprocessedKeys: body.RequestItems } }));

    expect(await failure(store.getMany([key, { ...key, sk: 'B' }]))).toBeInstanceOf(StoreUnavailable);
  });

  test('a transaction under way on the item is told as a conflict', async () => {
    proxy.decide(({ operation }) =>
      operation === 'PutItem'
        ? refusal('TransactionConflictException')
        : refusal('TransactionCanceledException', { CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }] }),
    );

    expect(await failure(store.transact([{ put: item(1) }]))).toMatchObject({ name: 'TransactionCancelled', reasons: [{ failed: true, cause: 'conflict' }] });
    expect(await failure(store.transact([{ put: item(1) }, { delete: { ...key, sk: 'B' } }]))).toMatchObject({
      name: 'TransactionCancelled',
      reasons: [{ failed: false }, { failed: true, cause: 'conflict' }],
    });
  });

  test('a fault of configuration is neither unavailability nor a failed condition, and is not repeated', async () => {
    proxy.decide(() => refusal('AccessDeniedException'));

    expect(await failure(store.transact([{ put: item(1), if: { absent: true } }]))).toMatchObject({ name: 'AccessDeniedException' });

    expect(proxy.requests()).toBe(1);
  });
});
