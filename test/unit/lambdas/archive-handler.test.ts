import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createArchiveHandler } from '#lambdas/handlers/archive-handler.ts';
import { captureLog } from './captured-log.ts';
import { queueEvent } from './events.ts';

captureLog();

interface Put {
  readonly Key: string;
  readonly Body: Buffer;
  readonly ChecksumSHA256: string;
  readonly IfNoneMatch: string;
}
const id = (at: number) => `019b0000-0000-7000-8000-00000000000${at}`;
const record = (at: number, time = '2026-01-02T03:04:05.000Z') => JSON.stringify({ eventId: id(at), time, operation: 'Encrypt' });

function start(fails?: (put: Put) => Error | undefined) {
  const objects = new Map<string, Put>();
  const handler = createArchiveHandler({
    bucket: 'archive',
    client: {
      async send({ input }: { input: Put }) {
        const failure = fails?.(input);
        if (failure !== undefined) throw failure;
        if (objects.has(input.Key) && input.IfNoneMatch === '*') throw Object.assign(new Error('exists'), { name: 'PreconditionFailed' });
        objects.set(input.Key, input);
        return {};
      },
    } as never,
  });
  return { handler, objects };
}

describe('the audit archiver', () => {
  test('writes one object of JSON lines per day, in the order of the event ids, with its checksum', async () => {
    const { handler, objects } = start();

    const result = await handler(queueEvent(record(2), record(1), record(3, '2026-01-03T00:00:00.000Z')));

    expect(result.batchItemFailures).toEqual([]);
    expect([...objects.keys()]).toEqual([
      expect.stringMatching(/^audit\/2026\/01\/02\/019b0000-0000-7000-8000-000000000001-[0-9a-f]{16}\.ndjson$/),
      expect.stringMatching(/^audit\/2026\/01\/03\//),
    ]);
    const [first] = objects.values();
    expect(first!.Body.toString()).toBe(`${record(1)}\n${record(2)}\n`);
    expect(first!.ChecksumSHA256).toBe(createHash('sha256').update(first!.Body).digest('base64'));
  });

  test('a batch that is delivered again adds nothing', async () => {
    const { handler, objects } = start();

    await handler(queueEvent(record(1), record(2)));
    const again = await handler(queueEvent(record(2), record(1)));

    expect(again.batchItemFailures).toEqual([]);
    expect(objects.size).toBe(1);
  });

  test('a record that is in the batch twice is written once', async () => {
    const { handler, objects } = start();

    await handler(queueEvent(record(1), record(1)));

    expect([...objects.values()][0]!.Body.toString()).toBe(`${record(1)}\n`);
  });

  test('alarms go into a folder of their own', async () => {
    const { handler, objects } = start();

    await handler(queueEvent(JSON.stringify({ eventId: id(1), time: '2026-01-02T03:04:05.000Z', kind: 'seal-broken' })));

    expect([...objects.keys()][0]).toMatch(/^alarms\/2026\/01\/02\//);
  });

  test('messages that could not be written or read come again, and only they', async () => {
    const { handler } = start(({ Key }) => (Key.startsWith('audit/2026/01/02') ? new Error('S3 is down') : undefined));

    const result = await handler(queueEvent(record(1), 'no record', record(3, '2026-01-03T00:00:00.000Z'), '{"eventId":"../../x","time":"2026-01-02T03:04:05.000Z"}'));

    expect(result.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(['message-0', 'message-1', 'message-3']);
  });
});
