import { describe, expect, test } from 'vitest';
import { createEventBridgeAlarmSink } from '#lambdas/adapters/eventbridge-alarm-sink.ts';
import { createEventBridgeAuditSink } from '#lambdas/adapters/eventbridge-audit-sink.ts';
import { createFallbackAuditSink } from '#lambdas/adapters/fallback-audit-sink.ts';
import { AwsAnswerError } from '#lambdas/adapters/sdk-sender.ts';
import { createSqsAuditSink } from '#lambdas/adapters/sqs-audit-sink.ts';
import type { Alarm, AuditRecord } from '#shared/audit/audit-record.ts';
import { captureLog } from './captured-log.ts';

captureLog();

const record: AuditRecord = {
  format: 1,
  eventId: '019b0000-0000-7000-8000-000000000001',
  time: '2026-01-01T00:00:00.000Z',
  requestId: 'request',
  operation: 'Encrypt',
  protocol: 'rest',
  outcome: 'success',
  resources: [{ arn: 'arn:aws:kms:eu-west-1:111122223333:key/k', role: 'key' }],
  parameters: {},
};
const alarm: Alarm = { eventId: record.eventId, time: record.time, kind: 'seal-broken', message: 'x' };
const taken = { FailedEntryCount: 0, Entries: [{ EventId: 'id' }] };

function client(...answers: (unknown | Error)[]) {
  const sent: { operation: string; input: Record<string, unknown> }[] = [];
  return {
    sent,
    async send(operation: string, input: Record<string, unknown>) {
      sent.push({ operation, input });
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next instanceof Error) throw next;
      return next;
    },
  };
}
const bus = (...answers: unknown[]) => {
  const made = client(...answers);
  return { ...made, sink: createEventBridgeAuditSink({ client: made as never, busName: 'bus' }) };
};

describe('the event bus as an audit sink', () => {
  test('sends the record as one event that rules can match', async () => {
    const { sink, sent } = bus(taken);

    await sink.append(record);

    expect(sent).toEqual([
      {
        operation: 'PutEvents',
        input: {
          Entries: [
            {
              EventBusName: 'bus',
              Source: 'chatelaine',
              DetailType: 'AuditRecord',
              Time: new Date('2026-01-01T00:00:00.000Z'),
              Resources: ['arn:aws:kms:eu-west-1:111122223333:key/k'],
              Detail: JSON.stringify(record),
            },
          ],
        },
      },
    ]);
  });

  test.each([
    ['an entry failed', { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] }],
    ['the count says nothing', { Entries: [{ EventId: 'id' }] }],
    ['the entry has no id', { FailedEntryCount: 0, Entries: [{}] }],
    ['there is no entry', { FailedEntryCount: 0 }],
  ])('rejects although the answer was 200, when %s', async (_, answer) => {
    await expect(bus(answer).sink.append(record)).rejects.toThrow('did not take an audit record');
  });

  test('tries once more when the first attempt got no answer', async () => {
    const { sink, sent } = bus(Object.assign(new Error('reset'), { code: 'ECONNRESET' }), taken);

    await sink.append(record);

    expect(sent).toHaveLength(2);
  });

  test('does not repeat what the service refused', async () => {
    const { sink, sent } = bus(new AwsAnswerError('AccessDeniedException', 'no', 400, {}), taken);

    await expect(sink.append(record)).rejects.toThrow();
    expect(sent).toHaveLength(1);
  });
});

describe('two audit sinks', () => {
  const queue = (...answers: unknown[]) => {
    const made = client(...answers);
    return { ...made, sink: createSqsAuditSink({ client: made as never, queueUrl: 'https://queue' }) };
  };
  const refused = { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] };

  test('the queue takes the record when the bus does not', async () => {
    const second = queue({ MessageId: 'm' });

    await createFallbackAuditSink([bus(refused).sink, second.sink]).append(record);

    expect(second.sent[0]?.input).toEqual({ QueueUrl: 'https://queue', MessageBody: JSON.stringify(record) });
  });

  test('the queue is left alone when the bus took the record', async () => {
    const second = queue({ MessageId: 'm' });

    await createFallbackAuditSink([bus(taken).sink, second.sink]).append(record);

    expect(second.sent).toEqual([]);
  });

  test('both down: the record is refused, so that the answer is withheld', async () => {
    const both = createFallbackAuditSink([bus(refused).sink, queue(new Error('down')).sink]);

    await expect(both.append(record)).rejects.toThrow('No audit sink took the record.');
  });

  test('a queue that gives no message id did not take the record', async () => {
    await expect(queue({}).sink.append(record)).rejects.toThrow();
  });
});

describe('the event bus as an alarm sink', () => {
  test('never throws and never blocks, and flush waits for what was raised', async () => {
    const made = client(new Error('down'));
    const sink = createEventBridgeAlarmSink({ client: made as never, busName: 'bus' });

    sink.raise(alarm);
    await sink.flush();

    expect(made.sent.length).toBeGreaterThan(0);
    expect(made.sent[0]?.input).toMatchObject({ Entries: [{ DetailType: 'Alarm' }] });
  });

  test('holds a bounded number of alarms', async () => {
    const made = client(taken);
    const sink = createEventBridgeAlarmSink({ client: made as never, busName: 'bus' });

    for (let at = 0; at < 500; at++) sink.raise(alarm);
    await sink.flush();

    expect(made.sent).toHaveLength(100);
  });
});
