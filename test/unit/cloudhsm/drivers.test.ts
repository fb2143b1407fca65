import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DynamoDbClient } from '#lambdas/adapters/dynamodb-client.ts';
import { AwsAnswerError } from '#lambdas/adapters/sdk-sender.ts';
import { createJournalTable } from '#lambdas/cloudhsm/journal-table.ts';
import { createHsmReconcileHandler } from '#lambdas/handlers/hsm-reconcile-handler.ts';
import { createHsmResourceHandler } from '#lambdas/handlers/hsm-resource-handler.ts';
import { applyUntilSettled } from '#lambdas/operator/apply-until-settled.ts';
import { describeObserved, describeStep } from '#lambdas/operator/describe-hsm.ts';
import { preview } from '#shared/cloudhsm/reconcile.ts';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { createWorld, managed, type World } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';

beforeEach(() => void vi.spyOn(console, 'log').mockReturnValue());
afterEach(() => void vi.restoreAllMocks());

const event = (RequestType: string, Phase: string, Hsms?: string) => ({ RequestType, ResourceProperties: { Phase, ...(Hsms === undefined ? {} : { Hsms }) } });
const measured = new Map<string, number>();
const handlerOf = (world: World, authority: 'kms' | 'external' = 'kms') =>
  createHsmReconcileHandler({
    ports: world.ports,
    desired: (phase, hsms) => managed({ phase, authority, ...(hsms === undefined ? {} : { hsms }) }),
    metrics: { record: (name, value) => void measured.set(name, value), flush: () => undefined },
  });
/** As the provider framework polls. */
async function poll(world: World, handler: ReturnType<typeof handlerOf>, request: unknown) {
  for (let polls = 0; polls < 180; polls++) {
    const answer = await handler(request);
    if (answer.IsComplete) return { ...answer, polls };
    expect(answer).toEqual({ IsComplete: false });
    world.clock.advance(20_000);
  }
  throw new Error('CloudFormation has given up after an hour.');
}

describe('the custom resources', () => {
  test('each ends within its hour of polls, and the last gives what the bridge needs', async () => {
    await using world = await createWorld();
    const handler = handlerOf(world);

    for (const [phase, hsms] of [['initialised'], ['active'], ['scaled', '1'], ['scaled', '2'], ['scaled', '3']] as const) await poll(world, handler, event('Create', phase, hsms));
    const last = await poll(world, handler, event('Create', 'ready'));

    const { id } = world.fake.model.clusters[0]!;
    expect(last).toMatchObject({ IsComplete: true, Data: { ClusterId: id, SecurityGroupId: expect.stringMatching(/^sg-/), Status: 'done' } });
    expect([measured.get('HsmCount'), measured.get('HsmsMissing'), measured.get('HsmDivergence')]).toEqual([3, 0, 0]);
  });

  test('under a control plane that throttles every other request they end all the same, with each change made once', async () => {
    await using world = await createWorld();
    const handler = handlerOf(world);
    world.fake.upsets.push(...Array.from({ length: 900 }, (_, at) => ((at * 7919) % 13 < 6 ? 'throttle' : 'none')));

    for (const [phase, hsms] of [['initialised'], ['active'], ['scaled', '1'], ['scaled', '2'], ['scaled', '3']] as const) await poll(world, handler, event('Create', phase, hsms));
    const last = await poll(world, handler, event('Create', 'ready'));

    expect(last).toMatchObject({ IsComplete: true, Data: { Status: 'done' } });
    expect(world.fake.changes.map(({ operation, overlaps }) => [operation, overlaps])).toEqual(
      ['CreateCluster', 'CreateHsm', 'InitializeCluster', 'CreateHsm', 'CreateHsm'].map((operation) => [operation, false]),
    );
    expect(world.fake.upsets.length).toBeLessThan(900);
    expect(world.fake.model.clusters[0]!.trustAnchor).toBe(world.secrets.values.get('anchor'));
  });

  test('a journal that does not answer is waited for, and a call whose step could not be released is not made again', async () => {
    await using world = await createWorld();
    const handler = handlerOf(world);
    const { acquire } = world.journal;
    const unavailable = () => Promise.reject(new StoreUnavailable('no answer'));
    world.journal.acquire = async (...given) => ({ ...(await acquire.apply(world.journal, given))!, release: unavailable });
    const called = await handler(event('Create', 'initialised'));
    world.journal.acquire = unavailable;
    const without = await handler(event('Create', 'initialised'));
    world.journal.acquire = acquire;
    await poll(world, handler, event('Create', 'initialised'));

    expect([called, without]).toEqual([{ IsComplete: false }, { IsComplete: false }]);
    expect(world.fake.changes.map(({ operation }) => operation)).toEqual(['CreateCluster', 'CreateHsm', 'InitializeCluster']);
  });

  test('a deletion of the stack leaves the cluster alone', async () => {
    await using world = await createWorld();
    await world.drive(managed({ hsms: 1 }));
    const changes = world.fake.changes.length;

    expect(await handlerOf(world)(event('Delete', 'ready'))).toEqual({ IsComplete: true });

    expect(world.fake.changes).toHaveLength(changes);
  });

  test('a certificate that must come from outside completes the deployment with its status', async () => {
    await using world = await createWorld({ authority: 'external' });

    expect(await poll(world, handlerOf(world, 'external'), event('Create', 'initialised'))).toMatchObject({ Data: { Status: 'signed-certificate-needed' } });
  });

  test('what stops the reconciler fails the deployment by name, and the schedule carries on without failing', async () => {
    await using world = await createWorld();
    await world.drive(managed({ phase: 'initialised', hsms: 1 }));
    world.fake.model.clusters[0]!.state = 'DEGRADED';

    await expect(handlerOf(world)(event('Update', 'ready'))).rejects.toThrow('cluster-degraded');

    expect(await handlerOf(world)({ source: 'aws.events' })).toEqual({ IsComplete: false });
  });

  test('make a cluster in a first deployment only: neither an update nor the schedule puts an empty one in the place of one that was deleted', async () => {
    await using world = await createWorld();
    const handler = handlerOf(world);

    expect(await handler({ source: 'aws.events' })).toEqual({ IsComplete: false });
    await expect(handler(event('Update', 'ready'))).rejects.toThrow('no-cluster');
    expect(world.fake.changes).toEqual([]);

    await poll(world, handler, event('Create', 'initialised'));
    world.fake.model.clusters[0]!.state = 'DELETED';
    world.clock.advance(60 * 60_000);
    const changes = world.fake.changes.length;
    expect(await handler({ source: 'aws.events' })).toEqual({ IsComplete: false });
    expect(world.fake.changes).toHaveLength(changes);
    expect(measured.get('HsmDivergence')).toBe(1);
  });

  test('the schedule puts an HSM in the place of one that is gone', async () => {
    await using world = await createWorld();
    await world.drive(managed());
    const [cluster] = world.fake.model.clusters;
    for (const hsm of cluster!.hsms) hsm.state = 'DELETED';

    await poll(world, handlerOf(world), { source: 'aws.events' });

    expect(cluster!.hsms.filter(({ state }) => state === 'ACTIVE').map(({ zone }) => zone)).toEqual(['us-east-1a', 'us-east-1b', 'us-east-1c']);
  });

  test('have one id for ever, so that none is ever replaced', async () => {
    const handler = createHsmResourceHandler('chatelaine');
    const made = await handler({ ResourceProperties: { Phase: 'scaled', Hsms: '2' } });

    expect(made).toEqual({ PhysicalResourceId: 'hsm/chatelaine/scaled/2' });
    expect(await handler({ ...made, ResourceProperties: { Phase: 'ready' } })).toEqual(made);
  });
});

describe("the operator's command", () => {
  test('applies until it is done, and shows what a person who signs outside needs', async () => {
    await using world = await createWorld({ authority: 'external' });
    const desired = managed({ authority: 'external' });
    const told: string[] = [];
    const step = await applyUntilSettled(world.ports, desired, { sleep: async (ms) => world.clock.advance(ms), tell: (each) => told.push(describeStep(each)) });

    const text = describeObserved((await preview(world.ports, desired)).observed);

    expect(step).toMatchObject({ reason: 'signed-certificate-needed' });
    expect(told[0]).toBe('next: create-cluster');
    for (const name of ['hsm', 'awsHardware', 'manufacturerHardware', 'signingRequest']) expect(text).toContain(`${name}:\n-----BEGIN`);
  });
});

describe('the journal in its table', () => {
  /** One item and the two conditions that the journal uses; the store's own contract is tested against an emulator of DynamoDB. */
  function table(): DynamoDbClient {
    let item: Record<string, { S?: string; N?: string }> | undefined;
    const send = async (operation: string, input: { Item?: typeof item; ConditionExpression?: string; ExpressionAttributeValues?: Record<string, { N: string }> }) => {
      if (operation === 'GetItem') return { Item: item };
      const holds = input.ConditionExpression === 'rev = :rev' ? item?.rev?.N === input.ExpressionAttributeValues?.[':rev']?.N : item === undefined;
      if (!holds) throw new AwsAnswerError('ConditionalCheckFailedException', 'no', 400, {});
      item = input.Item;
      return {};
    };
    return { send, destroy: () => undefined } as unknown as DynamoDbClient;
  }

  test('gives one lease at a time, also to two who ask at once, and the next one sees what was saved', async () => {
    const journal = createJournalTable(table(), 'journal');
    const [one, two] = await Promise.all([journal.acquire(0, 1000), journal.acquire(0, 1000)]);
    const winner = (one ?? two)!;

    expect([one, two].filter((lease) => lease !== undefined)).toHaveLength(1);
    await winner.save({ throttled: { until: 5, count: 1 } });
    expect(await journal.acquire(999, 1000)).toBeUndefined();
    await winner.release({ throttled: { until: 7, count: 2 } });
    expect((await journal.acquire(999, 1000))?.journal).toEqual({ throttled: { until: 7, count: 2 } });
  });

  test('who was too slow has lost it: a save after another took over is refused', async () => {
    const journal = createJournalTable(table(), 'journal');
    const slow = (await journal.acquire(0, 1000))!;
    await journal.acquire(1001, 1000);

    await expect(slow.save({})).rejects.toThrow('has taken the lease');
  });
});
