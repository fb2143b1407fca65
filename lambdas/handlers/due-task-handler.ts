/** The task queue's function: rotates and destroys. Messages that fail come again and end in the dead-letter queue; each failure raises an alarm. */
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { newEventId } from '#shared/ids.ts';
import { keyArn } from '#shared/keys/arn.ts';
import type { Service } from '#shared/pipeline/service.ts';
import { dueTaskSchema, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { errorNames, logLine } from '../log-line.ts';
import { type FunctionMetrics, unmeasured } from '../metrics/function-metrics.ts';
import { batchMetrics } from '../middleware/batch-metrics.ts';
import { failureLog } from '../middleware/failure-log.ts';
import { flushAlarms } from '../middleware/flush-alarms.ts';
import { reportFailures } from './batch-failures.ts';

export interface DueTaskHandlerSettings {
  readonly service: Service;
  readonly flush: () => Promise<void>;
  readonly metrics?: FunctionMetrics;
}

export function createDueTaskHandler({ service, flush, metrics = unmeasured }: DueTaskHandlerSettings): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const pipeline = middy<SQSEvent, SQSBatchResponse>()
    .use(failureLog('due-task'))
    .use(batchMetrics(metrics))
    .use(flushAlarms(flush))
    .handler((event) => reportFailures(event, (record) => runMessage(service, metrics, record)));
  return (event) => pipeline(event, {} as never) as Promise<SQSBatchResponse>;
}

async function runMessage(service: Service, metrics: FunctionMetrics, { body, messageId }: SQSRecord): Promise<void> {
  // A message that is no task fails here each time, and ends where a person looks at it.
  const task = dueTaskSchema.parse(JSON.parse(body));
  try {
    await runDueTask(service, task);
  } catch (error) {
    logLine('error', { event: 'task-failed', kind: task.kind, messageId, errors: errorNames(error) });
    metrics.record('TasksFailed', 1, { task: task.kind });
    const now = service.clock.now();
    service.alarms.raise({
      eventId: newEventId(now),
      time: new Date(now).toISOString(),
      kind: task.kind === 'DELETION' ? 'destruction-failed' : 'sweep-failed',
      resource: keyArn(service.partition, task),
      message: 'A task that is due could not be done. It is tried again, and then left in the dead-letter queue.',
    });
    throw error;
  }
}
