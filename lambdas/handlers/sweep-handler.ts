/** The schedule's function: finds what is due and puts it on the task queue. It changes nothing itself, so a run that dies midway costs nothing. */
import middy from '@middy/core';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { type DueTask, findDueTasks } from '#shared/sweeps/due-tasks.ts';
import { OverdueTally } from '#shared/sweeps/overdue-tally.ts';
import type { Sqs } from '../adapters/aws-services.ts';
import { repeatOnce } from '../adapters/repeat-once.ts';
import { logLine } from '../log-line.ts';
import { type FunctionMetrics, unmeasured } from '../metrics/function-metrics.ts';
import { batchMetrics } from '../middleware/batch-metrics.ts';
import { failureLog } from '../middleware/failure-log.ts';

export interface SweepHandlerSettings {
  readonly store: Pick<RecordStore, 'query' | 'getMany'>;
  readonly client: Sqs;
  readonly queueUrl: string;
  readonly now?: () => number;
  /** More wait for the next run. */
  readonly tasksMax?: number;
  readonly metrics?: FunctionMetrics;
}

const batchSize = 10;
/** A task that is sent twice is found out by the worker. */
const sendTimeoutMs = 3000;

export function createSweepHandler(settings: SweepHandlerSettings): () => Promise<void> {
  const { store, now = Date.now, tasksMax = 20_000, metrics = unmeasured } = settings;
  const pipeline = middy<unknown, void>()
    .use(failureLog('sweep'))
    .use(batchMetrics(metrics))
    .handler(async () => {
      const startedAt = now();
      const overdue = new OverdueTally();
      let found = 0;
      let batch: DueTask[] = [];
      for await (const task of findDueTasks(store, startedAt, overdue)) {
        batch.push(task);
        found += 1;
        if (batch.length === batchSize) {
          await send(settings, batch);
          batch = [];
        }
        if (found === tasksMax) break;
      }
      if (batch.length > 0) await send(settings, batch);
      overdue.report(metrics, startedAt);
      logLine('info', { event: 'sweep', tasks: found });
    });
  return () => pipeline({}, {} as never) as Promise<void>;
}

async function send({ client, queueUrl }: SweepHandlerSettings, tasks: readonly DueTask[]): Promise<void> {
  const Entries = tasks.map((task, at) => ({ Id: String(at), MessageBody: JSON.stringify(task) }));
  const { Failed = [] } = await repeatOnce(sendTimeoutMs, (options) => client.send('SendMessageBatch', { QueueUrl: queueUrl, Entries }, options));
  if (Failed.length > 0) throw new Error(`The task queue did not take ${Failed.length} of ${tasks.length} tasks.`);
}
