/** What the single node does by the clock: due rotations and destructions, the outbox, expired items. On AWS a schedule and a queue do the same. */
import { type OutboxPublisher, outboxAgeSeconds } from '#shared/audit/outbox.ts';
import { newEventId } from '#shared/ids.ts';
import type { MetricSink } from '#shared/metrics/metric-sink.ts';
import type { Service } from '#shared/pipeline/service.ts';
import { findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { OverdueTally } from '#shared/sweeps/overdue-tally.ts';
import type { SqliteStore } from './sqlite-store.ts';

export interface Sweeps {
  /** Runs at once what is due. One run at a time. */
  run(): Promise<void>;
  /** Runs what is due by now: after a run under way, which may have looked already. */
  nudge(): void;
  /** Publishes what changes left in the outbox; failures are tried again at the next run. */
  publish(): void;
  /** Ends the timers and waits for a run under way. */
  stop(): Promise<void>;
}

export interface SweepSettings {
  readonly service: Service;
  readonly store: SqliteStore;
  readonly outbox: OutboxPublisher;
  readonly everyMs: number;
  readonly metrics: MetricSink;
  readonly report: (problem: { readonly sweep: string; readonly reason: string }) => void;
}

const outboxRetryMs = 1000;

export function startSweeps(settings: SweepSettings): Sweeps {
  const { service, store, outbox, metrics } = settings;
  const now = (): number => service.clock.now();
  let stopped = false;
  let running: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let publishing: Promise<void> | undefined;

  const attempt = async (sweep: string, work: () => Promise<unknown>, alarm?: 'sweep-failed' | 'destruction-failed', resource?: string): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'unknown';
      settings.report({ sweep, reason });
      if (alarm !== undefined)
        service.alarms.raise({ eventId: newEventId(now()), time: new Date(now()).toISOString(), kind: alarm, resource, message: `The sweep ${sweep} failed. It is tried again.` });
    }
  };

  const runTasks = async (): Promise<void> => {
    const overdue = new OverdueTally();
    const startedAt = now();
    for await (const task of findDueTasks(service.store, startedAt, overdue)) {
      if (stopped) return;
      const work = () =>
        runDueTask(service, task).catch((error: unknown) => {
          metrics.record('TasksFailed', 1, { task: task.kind });
          throw error;
        });
      await attempt(task.kind, work, task.kind === 'DELETION' ? 'destruction-failed' : 'sweep-failed', task.keyId);
    }
    overdue.report(metrics, startedAt);
  };
  const runAll = async (): Promise<void> => {
    await attempt('due-tasks', runTasks, 'sweep-failed');
    await attempt('expired-items', async () => {
      while (!stopped && (await store.reclaimExpired(Math.floor(now() / 1000))) > 0) await new Promise((resolve) => setImmediate(resolve));
    });
    await attempt('outbox-age', async () => metrics.record('OutboxAge', await outboxAgeSeconds(service.store, now())));
    publish();
  };
  const run = (): Promise<void> => {
    running ??= runAll().finally(() => {
      running = undefined;
    });
    return running;
  };
  const nudge = (): void => {
    void (running ?? Promise.resolve()).then(() => (stopped ? undefined : run()));
  };
  const publish = (): void => {
    if (stopped || retry !== undefined) return;
    publishing = outbox.drain().catch((error: unknown) => {
      metrics.record('OutboxPublishFailures', 1);
      settings.report({ sweep: 'outbox', reason: error instanceof Error ? error.name : 'unknown' });
      if (stopped || retry !== undefined) return;
      retry = setTimeout(() => {
        retry = undefined;
        publish();
      }, outboxRetryMs);
    });
  };

  const timer = setInterval(() => void run(), settings.everyMs);
  return {
    run,
    nudge,
    publish,
    async stop() {
      stopped = true;
      clearInterval(timer);
      clearTimeout(retry);
      await running;
      await publishing;
      // What the last requests committed. What cannot be published now is published at the next start.
      await outbox.drain().catch(() => undefined);
    },
  };
}
