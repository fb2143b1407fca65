/**
 * Writes audit records and alarms from the queues into the archive bucket: one object of JSON lines per batch. The bucket's default retention locks
 * each object. The name follows from the ids inside, so a batch that is delivered again finds its object and adds nothing.
 */
import { createHash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { errorNames, logLine } from '../log-line.ts';
import { type FunctionMetrics, unmeasured } from '../metrics/function-metrics.ts';
import { batchMetrics } from '../middleware/batch-metrics.ts';
import { failureLog } from '../middleware/failure-log.ts';

export interface ArchiveHandlerSettings {
  readonly client: Pick<S3Client, 'send'>;
  readonly bucket: string;
  readonly metrics?: FunctionMetrics;
}

/** What both kinds have in common; an audit record also names its operation, an alarm its kind. */
const archivedSchema = z.looseObject({
  eventId: z.string().regex(/^[0-9a-f-]{36}$/),
  time: z.iso.datetime(),
  operation: z.string().optional(),
});

interface Archived {
  readonly eventId: string;
  readonly day: string;
  readonly folder: 'audit' | 'alarms';
  readonly line: string;
  readonly messageId: string;
}

const putTimeoutMs = 10_000;

export function createArchiveHandler(settings: ArchiveHandlerSettings): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const { metrics = unmeasured } = settings;
  const pipeline = middy<SQSEvent, SQSBatchResponse>()
    .use(failureLog('archive'))
    .use(batchMetrics(metrics))
    .handler(async (event) => {
      const failed: string[] = [];
      const groups = new Map<string, Archived[]>();
      for (const { messageId, body } of event.Records) {
        const archived = read(messageId, body);
        if (archived === undefined) failed.push(messageId);
        else groups.set(`${archived.folder}/${archived.day}`, [...(groups.get(`${archived.folder}/${archived.day}`) ?? []), archived]);
      }
      await Promise.all([...groups].map(async ([prefix, group]) => failed.push(...(await write(settings, prefix, group)))));
      if (failed.length > 0) metrics.record('ArchiveFailures', failed.length);
      return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
    });
  return (event) => pipeline(event, {} as never) as Promise<SQSBatchResponse>;
}

function read(messageId: string, body: string): Archived | undefined {
  try {
    const record: unknown = JSON.parse(body);
    const { eventId, time, operation } = archivedSchema.parse(record);
    return { eventId, day: time.slice(0, 10).replaceAll('-', '/'), folder: operation === undefined ? 'alarms' : 'audit', line: JSON.stringify(record), messageId };
  } catch (error) {
    logLine('error', { event: 'unreadable-record', messageId, errors: errorNames(error) });
    return undefined;
  }
}

/** @returns the ids of the messages that must come again */
async function write({ client, bucket }: ArchiveHandlerSettings, prefix: string, group: readonly Archived[]): Promise<string[]> {
  // Event ids sort by time. The queue may hold one twice.
  const lines = new Map([...group].sort((a, b) => (a.eventId < b.eventId ? -1 : 1)).map(({ eventId, line }) => [eventId, line]));
  const ids = [...lines.keys()];
  const body = Buffer.from(`${[...lines.values()].join('\n')}\n`, 'utf8');
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: `${prefix}/${ids[0]}-${sha256(ids.join('\n')).toString('hex').slice(0, 16)}.ndjson`,
    Body: body,
    ContentType: 'application/x-ndjson',
    // S3 compares it with what arrived; Object Lock demands a checksum.
    ChecksumSHA256: sha256(body).toString('base64'),
    IfNoneMatch: '*',
  });
  try {
    await client.send(command, { abortSignal: AbortSignal.timeout(putTimeoutMs) });
    return [];
  } catch (error) {
    if (error instanceof Error && error.name === 'PreconditionFailed') return [];
    logLine('error', { event: 'archive-not-written', errors: errorNames(error) });
    return group.map(({ messageId }) => messageId);
  }
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
