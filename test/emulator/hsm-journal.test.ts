/** The reconciler's journal and lease in a real table: several drivers with clients of their own, one cluster. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDynamoDbClient, type DynamoDbClient } from '#lambdas/adapters/dynamodb-client.ts';
import { createJournalTable } from '#lambdas/cloudhsm/journal-table.ts';
import type { Step } from '#shared/cloudhsm/observation.ts';
import type { ReconcilerPorts } from '#shared/cloudhsm/ports.ts';
import { reconcile } from '#shared/cloudhsm/reconcile.ts';
import { minute } from '#test/support/cloudhsm-control-plane/model.ts';
import { createWorld, managed, type World } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';
import { type Emulator, startEmulator } from '#test/support/emulator.ts';
import { pass, startFaultProxy } from '#test/support/fault-proxy.ts';

let emulator: Emulator;
const clients: DynamoDbClient[] = [];
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await emulator?.stop();
});

/** As the hsm stack makes it. */
async function newTable(): Promise<string> {
  const { endpoint, region, credentials } = emulator;
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const TableName = `journal-${crypto.randomUUID()}`;
  const key = { AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' as const }], KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' as const }] };
  await client.send(new CreateTableCommand({ TableName, ...key, BillingMode: 'PAY_PER_REQUEST' }));
  client.destroy();
  return TableName;
}

/** CloudFormation, the schedule or an operator: each is a process of its own. */
function driver({ ports }: World, table: string, endpoint = emulator.endpoint): ReconcilerPorts {
  const client = createDynamoDbClient({ endpoint, region: emulator.region, credentials: emulator.credentials });
  clients.push(client);
  return { ...ports, journal: createJournalTable(client, table) };
}

test('four drivers at once, one of which dies with the lease, bring up one cluster with one change at a time', async () => {
  await using world = await createWorld();
  const table = await newTable();
  const drivers = Array.from({ length: 4 }, () => driver(world, table));
  const wanted = managed();
  let deaths = 0;
  /** As a process that is killed in the middle of its step, with the call made. */
  const dying: ReconcilerPorts = {
    ...drivers[0]!,
    controlPlane: {
      ...world.ports.controlPlane,
      async createHsm(clusterId, zone) {
        await world.ports.controlPlane.createHsm(clusterId, zone);
        if (deaths++ === 0) throw new Error('killed');
      },
    },
  };
  let worked = 0;
  for (let rounds = 0; ; rounds += 1) {
    const steps = await Promise.all(
      [dying, ...drivers.slice(1)].map((ports) =>
        reconcile(ports, wanted).catch((error: Error): Step => {
          // Nothing else ends a step with an error: no race, no lost lease.
          expect(error.message).toBe('killed');
          return { kind: 'wait', reason: 'call-failed', until: 0 };
        }),
      ),
    );
    worked += steps.filter(({ kind }) => kind === 'act').length;
    expect(steps.filter(({ kind }) => kind === 'stopped')).toEqual([]);
    if (steps.every((step) => step.kind === 'done' || (step.kind === 'wait' && step.reason === 'another-driver-works')) && steps.some(({ kind }) => kind === 'done')) break;
    if (rounds > 300) throw new Error(`Not done: ${JSON.stringify(steps)}`);
    world.clock.advance(minute);
  }

  const { changes, model } = world.fake;
  expect(changes.filter(({ overlaps }) => overlaps)).toEqual([]);
  expect(changes.map(({ operation }) => operation)).toEqual(['CreateCluster', 'CreateHsm', 'InitializeCluster', 'CreateHsm', 'CreateHsm']);
  expect(model.clusters).toHaveLength(1);
  expect(model.clusters[0]!.hsms.map(({ zone, state }) => [zone, state]).toSorted()).toEqual(['a', 'b', 'c'].map((zone) => [`us-east-1${zone}`, 'ACTIVE']));
  expect(deaths).toBeGreaterThan(0);
  expect(worked).toBeGreaterThan(0);
});

test('a driver that slept through its lease makes no call any more, and what the next one wrote down stays', async () => {
  await using world = await createWorld();
  const table = await newTable();
  const [slow, quick] = [driver(world, table), driver(world, table)];
  let wake: () => void = () => undefined;
  const asleep = new Promise<void>((done) => {
    wake = done;
  });
  let fellAsleep: () => void = () => undefined;
  const isAsleep = new Promise<void>((done) => {
    fellAsleep = done;
  });
  const sleeper: ReconcilerPorts = {
    ...slow,
    controlPlane: {
      ...slow.controlPlane,
      async findClusters(which) {
        const found = await slow.controlPlane.findClusters(which);
        fellAsleep();
        await asleep;
        return found;
      },
    },
  };

  const late = reconcile(sleeper, managed());
  await isAsleep;
  const meanwhile = await reconcile(quick, managed());
  world.clock.advance(4 * minute);
  const next = await reconcile(quick, managed());
  const journal = await quick.journal.read();
  wake();

  expect(meanwhile).toMatchObject({ kind: 'wait', reason: 'another-driver-works' });
  expect(next).toMatchObject({ kind: 'act', action: { kind: 'create-cluster' } });
  expect(await late).toMatchObject({ kind: 'wait', reason: 'another-driver-works' });
  expect(world.fake.changes.map(({ operation }) => operation)).toEqual(['CreateCluster']);
  expect(await quick.journal.read()).toEqual(journal);
});

test('a lost answer of the table costs a repeat, and is not taken for another driver', async () => {
  await using world = await createWorld();
  const proxy = await startFaultProxy(emulator.endpoint);
  const { journal } = driver(world, await newTable(), proxy.endpoint);
  // Of the look, the lease, the note and the release each first answer is lost.
  proxy.decide(({ number }) => ({ kind: number % 2 === 0 ? 'lose-answer' : 'pass' }));

  const lease = await journal.acquire(0, 1000);
  await lease?.save({ throttled: { until: 1, count: 1 } });
  await lease?.release({ throttled: { until: 2, count: 2 } });
  proxy.decide(() => pass);

  expect((await journal.acquire(0, 1000))?.journal).toEqual({ throttled: { until: 2, count: 2 } });
  await proxy.close();
});
