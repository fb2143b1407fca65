/** What the sweep does at once after ReplicateKey and UpdatePrimaryRegion. */
import { type DueTask, findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import type { InProcess } from './in-process.ts';

export async function runDue(app: InProcess, kind: DueTask['kind']): Promise<number> {
  const tasks: DueTask[] = [];
  for await (const task of findDueTasks(app.store, app.clock.now())) if (task.kind === kind) tasks.push(task);
  for (const task of tasks) await runDueTask(app.service, task);
  return tasks.length;
}

/** Until every replica is whole: a task copies a bounded number of versions. */
export async function synchronize(app: InProcess): Promise<void> {
  while ((await runDue(app, 'SYNCHRONIZATION')) > 0);
}
