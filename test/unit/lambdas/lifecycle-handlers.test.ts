import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDueTaskHandler } from '#lambdas/handlers/due-task-handler.ts';
import { createOutboxHandler } from '#lambdas/handlers/outbox-handler.ts';
import { createSweepHandler } from '#lambdas/handlers/sweep-handler.ts';
import type { AuditRecord } from '#shared/audit/audit-record.ts';
import type { DueTask } from '#shared/sweeps/due-tasks.ts';
import { type InProcess, startInProcess } from '../../support/in-process.ts';
import { captureLog } from './captured-log.ts';
import { queueEvent, streamEvent } from './events.ts';

captureLog();

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const createKey = async (): Promise<string> => ((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;

function sweep(answer: (entries: { MessageBody: string }[]) => unknown = () => ({ Successful: [] }), tasksMax?: number) {
  const tasks: DueTask[] = [];
  const handler = createSweepHandler({
    store: app.store,
    queueUrl: 'https://queue',
    now: () => app.clock.now(),
    ...(tasksMax === undefined ? {} : { tasksMax }),
    client: {
      async send(_: string, { Entries }: { Entries: { MessageBody: string }[] }) {
        tasks.push(...Entries.map(({ MessageBody }) => JSON.parse(MessageBody) as DueTask));
        return answer(Entries);
      },
    } as never,
  });
  return { handler, tasks };
}
const worker = () => createDueTaskHandler({ service: app.service, flush: async () => undefined });

describe('the sweep', () => {
  test('queues every key that is due, in batches that the queue takes, and no other', async () => {
    const due = await Promise.all(Array.from({ length: 23 }, createKey));
    await createKey();
    for (const KeyId of due) await app.must('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    const sizes: number[] = [];
    const { handler, tasks } = sweep((entries) => {
      sizes.push(entries.length);
      return {};
    });

    await handler();

    expect(tasks.map(({ keyId }) => keyId).sort()).toEqual([...due].sort());
    expect(tasks.every(({ kind }) => kind === 'DELETION')).toBe(true);
    expect(sizes).toEqual([10, 10, 3]);
  });

  test('fails, and so is repeated, when the queue did not take a task', async () => {
    await app.must('ScheduleKeyDeletion', { KeyId: await createKey(), PendingWindowInDays: 7 });
    app.clock.advanceDays(8);

    await expect(sweep(() => ({ Failed: [{ Id: '0' }] })).handler()).rejects.toThrow('did not take 1 of 1 tasks');
  });

  test('leaves what exceeds one run to the next', async () => {
    for (let at = 0; at < 5; at++) await app.must('ScheduleKeyDeletion', { KeyId: await createKey(), PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    const { handler, tasks } = sweep(undefined, 3);

    await handler();

    expect(tasks).toHaveLength(3);
  });
});

describe('the worker of due tasks', () => {
  test('rotates and destroys what the sweep queued', async () => {
    const rotated = await createKey();
    const destroyed = await createKey();
    await app.must('EnableKeyRotation', { KeyId: rotated, RotationPeriodInDays: 90 });
    await app.must('ScheduleKeyDeletion', { KeyId: destroyed, PendingWindowInDays: 7 });
    app.clock.advanceDays(91);
    const { handler, tasks } = sweep();
    await handler();

    const result = await worker()(queueEvent(...tasks.map((task) => JSON.stringify(task))));

    expect(result.batchItemFailures).toEqual([]);
    expect((await app.must('ListKeyRotations', { KeyId: rotated })).Rotations).toHaveLength(1);
    expect((await app.call('DescribeKey', { KeyId: destroyed })).code).toBe('NotFoundException');
  });

  test('reports only the messages that failed, and raises an alarm for each task', async () => {
    const KeyId = await createKey();
    await app.must('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    const { handler, tasks } = sweep();
    await handler();
    const stale = { ...tasks[0]!, keyId: '00000000-0000-4000-8000-000000000000' };
    app.faults.store = (call) => {
      if (call === 'transact') throw new Error('the store is down');
    };

    const result = await worker()(queueEvent(JSON.stringify(tasks[0]), JSON.stringify(stale), 'no task', '{}'));

    expect(result.batchItemFailures).toEqual([{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-2' }, { itemIdentifier: 'message-3' }]);
    expect(app.alarms.map(({ kind }) => kind)).toEqual(['destruction-failed']);
  });

  test('a task that comes twice is done once', async () => {
    const KeyId = await createKey();
    await app.must('EnableKeyRotation', { KeyId, RotationPeriodInDays: 90 });
    app.clock.advanceDays(91);
    const { handler, tasks } = sweep();
    await handler();
    const message = JSON.stringify(tasks[0]);

    await worker()(queueEvent(message));
    const again = await worker()(queueEvent(message, message));

    expect(again.batchItemFailures).toEqual([]);
    expect((await app.must('ListKeyRotations', { KeyId })).Rotations).toHaveLength(1);
  });
});

describe('the outbox publisher', () => {
  const outboxRows = async () => {
    const pages = await Promise.all(Array.from({ length: 8 }, (_, shard) => app.store.query({ table: 'core', index: 'due', pk: `DUE#OUTBOX#${shard}`, limit: 100 })));
    return pages.flatMap(({ items }) => items);
  };
  const publisher = (published: AuditRecord[], fails: (record: AuditRecord) => boolean = () => false) =>
    createOutboxHandler({
      store: app.store,
      now: () => app.clock.now(),
      audit: {
        async append(record) {
          if (fails(record)) throw new Error('the bus is down');
          published.push(record);
        },
      },
    });

  test('publishes the records of changes and removes their rows', async () => {
    await createKey();
    await createKey();
    const published: AuditRecord[] = [];

    const result = await publisher(published)(streamEvent(...(await outboxRows())));

    expect(result.batchItemFailures).toEqual([]);
    expect(published.map(({ operation }) => operation)).toEqual(['CreateKey', 'CreateKey']);
    expect(await outboxRows()).toEqual([]);
  });

  test('keeps the row of a record that the bus did not take, and asks for the stream again from there', async () => {
    await createKey();
    await createKey();
    const rows = await outboxRows();
    const published: AuditRecord[] = [];

    const result = await publisher(published, ({ eventId }) => eventId === (rows[1]!.body as unknown as AuditRecord).eventId)(streamEvent(...rows));

    expect(result.batchItemFailures).toEqual([{ itemIdentifier: 'sequence-1' }]);
    expect((await outboxRows()).map(({ pk }) => pk)).toEqual([rows[1]!.pk]);
  });

  test('never touches a row that is not of the outbox', async () => {
    const KeyId = await createKey();
    const published: AuditRecord[] = [];

    await publisher(published)(streamEvent({ pk: `KEY#eu-west-1#${KeyId}`, sk: 'META', body: {} }));

    expect(published).toEqual([]);
    expect((await app.call('DescribeKey', { KeyId })).code).toBeUndefined();
  });

  test('on schedule, publishes what the stream missed and leaves young rows to the stream', async () => {
    await createKey();
    const published: AuditRecord[] = [];
    const handler = publisher(published);

    await handler({ source: 'aws.events' });
    const early = published.length;
    app.clock.advanceDays(1);
    await handler({ source: 'aws.events' });

    expect(early).toBe(0);
    expect(published.map(({ operation }) => operation)).toEqual(['CreateKey']);
    expect(await outboxRows()).toEqual([]);
  });
});
