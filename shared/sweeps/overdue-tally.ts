/** Counts what a search for due tasks finds. */
import type { MetricSink } from '#shared/metrics/metric-sink.ts';

export const taskKinds = ['SYNCHRONIZATION', 'ROTATION', 'ENCRYPTION_COUNT', 'DELETION', 'EXPIRY'] as const;
export type TaskKind = (typeof taskKinds)[number];

/** How much is overdue and for how long: what shows that rotations and destructions really happen. */
export class OverdueTally {
  readonly #count = new Map<TaskKind, number>();
  readonly #oldest = new Map<TaskKind, number>();

  add(kind: TaskKind, dueAt: number): void {
    this.#count.set(kind, (this.#count.get(kind) ?? 0) + 1);
    this.#oldest.set(kind, Math.min(this.#oldest.get(kind) ?? dueAt, dueAt));
  }

  /** After a search that came to its end. Zeroes are reported too: silence would look like a search that does not run. */
  report(metrics: MetricSink, now: number): void {
    for (const task of taskKinds) {
      metrics.record('OverdueTasks', this.#count.get(task) ?? 0, { task });
      metrics.record('OldestOverdueAge', Math.max(0, now - (this.#oldest.get(task) ?? now)) / 1000, { task });
    }
    metrics.record('SweepRuns', 1);
  }
}
