/**
 * Publishes the audit records that changes committed with themselves: at once from the table's stream, and on a schedule whatever the stream missed.
 * A row is removed only after the bus has taken its record.
 */
import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { createOutboxPublisher, outboxAgeSeconds, outboxRecord } from '#shared/audit/outbox.ts';
import type { JsonObject } from '#shared/json.ts';
import type { AuditSink } from '#shared/ports/audit-sink.ts';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { partitions } from '#shared/repositories/partitions.ts';
import { dueThrough } from '#shared/repositories/rows.ts';
import { errorNames, logLine } from '../log-line.ts';
import { type FunctionMetrics, unmeasured } from '../metrics/function-metrics.ts';
import { batchMetrics } from '../middleware/batch-metrics.ts';
import { failureLog } from '../middleware/failure-log.ts';

export interface OutboxHandlerSettings {
  readonly store: Pick<RecordStore, 'query' | 'transact'>;
  readonly audit: AuditSink;
  readonly now?: () => number;
  readonly metrics?: FunctionMetrics;
}

/** Younger rows belong to the stream: publishing them here too would only double their records. */
const drainAfterMs = 60_000;
const atOnce = 10;

export function createOutboxHandler(settings: OutboxHandlerSettings): (event: DynamoDBStreamEvent | object) => Promise<DynamoDBBatchResponse> {
  const pipeline = middy<DynamoDBStreamEvent | object, DynamoDBBatchResponse>()
    .use(failureLog('outbox'))
    .use(batchMetrics(settings.metrics ?? unmeasured))
    .handler(async (event) => {
      if ('Records' in event) return await publishStream(settings, event.Records);
      await drain(settings);
      return { batchItemFailures: [] };
    });
  return (event) => pipeline(event, {} as never) as Promise<DynamoDBBatchResponse>;
}

/** In the stream's order, a few at once. Stops at the first failure: the stream comes back from there. */
async function publishStream(settings: OutboxHandlerSettings, records: readonly DynamoDBRecord[]): Promise<DynamoDBBatchResponse> {
  for (let at = 0; at < records.length; at += atOnce) {
    const chunk = records.slice(at, at + atOnce);
    const outcomes = await Promise.allSettled(chunk.map((record) => publishOne(settings, record)));
    const failed = outcomes.findIndex((outcome) => outcome.status === 'rejected');
    if (failed < 0) continue;
    settings.metrics?.record('OutboxPublishFailures', 1);
    logLine('error', { event: 'outbox-record-not-published', errors: errorNames((outcomes[failed] as PromiseRejectedResult).reason) });
    return { batchItemFailures: [{ itemIdentifier: chunk[failed]!.dynamodb?.SequenceNumber ?? '' }] };
  }
  return { batchItemFailures: [] };
}

async function publishOne({ store, audit }: OutboxHandlerSettings, record: DynamoDBRecord): Promise<void> {
  const image = record.dynamodb?.NewImage;
  const [pk, sk, body] = [image?.pk?.S, image?.sk?.S, image?.body?.S];
  // The filter of the event source lets only these through; a row of another kind is not ours to remove.
  if (pk === undefined || sk === undefined || body === undefined || !pk.startsWith(partitions.core.outbox)) return;
  await audit.append(outboxRecord({ body: JSON.parse(body) as JsonObject }));
  await store.transact([{ delete: { table: 'core', pk, sk } }]);
}

async function drain({ store, audit, now = Date.now, metrics = unmeasured }: OutboxHandlerSettings): Promise<void> {
  metrics.record('OutboxAge', await outboxAgeSeconds(store, now()));
  const through = dueThrough(now() - drainAfterMs);
  const older = { query: (query: Parameters<RecordStore['query']>[0]) => store.query({ ...query, through }), transact: store.transact.bind(store) };
  try {
    await createOutboxPublisher({ audit, store: older }).drain();
  } catch (error) {
    metrics.record('OutboxPublishFailures', 1);
    throw error;
  }
}
