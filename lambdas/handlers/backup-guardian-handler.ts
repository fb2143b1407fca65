/** Looks after the cluster's backups on a schedule (shared/cloudhsm/backups.ts): a few changes per run, one after the other, each after a new look. */
import { type BackupAction, backupAgeHoursMax, backupFindings, copyDelayHours, type GuardedBackups, nextBackupAction } from '#shared/cloudhsm/backups.ts';
import { deploymentTag } from '#shared/cloudhsm/tags.ts';
import type { CloudHsmClient } from '../cloudhsm/cloudhsm-client.ts';
import { backupsPage, type SeenBackup } from '../cloudhsm/control-plane-answers.ts';
import { allPages } from '../cloudhsm/sdk-control-plane.ts';
import { logLine } from '../log-line.ts';
import type { FunctionMetrics } from '../metrics/function-metrics.ts';

export interface BackupGuardianSettings {
  readonly home: CloudHsmClient;
  readonly second?: { readonly region: string; readonly client: CloudHsmClient } | undefined;
  readonly deployment: string;
  /** @returns undefined while there is no cluster */
  readonly clusterId: () => Promise<string | undefined>;
  readonly now: () => number;
  readonly metrics: FunctionMetrics;
}

const actionsMax = 4;
/** A metric has a number; no backup at all is older than every threshold. */
const noBackupHours = 9999;

export function createBackupGuardian({ home, second, deployment, clusterId, now, metrics }: BackupGuardianSettings): () => Promise<void> {
  async function look(id: string): Promise<GuardedBackups> {
    return { now: now(), home: await backupsOf(home, id), second: second === undefined ? undefined : await backupsOf(second.client, id) };
  }

  async function perform(action: BackupAction): Promise<void> {
    if (action.kind === 'copy') {
      await home.send('CopyBackupToRegion', { BackupId: action.backupId, DestinationRegion: second?.region, TagList: [{ Key: deploymentTag, Value: deployment }] });
    } else {
      const client = action.where === 'home' ? home : second?.client;
      await client?.send('ModifyBackupAttributes', { BackupId: action.backupId, NeverExpires: true });
    }
    logLine('info', { event: 'backup-guarded', ...action });
  }

  return async () => {
    const id = await clusterId();
    if (id === undefined) return logLine('info', { event: 'backup-guardian', what: 'no cluster yet' });
    let seen = await look(id);
    for (let count = 0; count < actionsMax; count++) {
      const action = nextBackupAction(seen);
      if (action === undefined) break;
      await perform(action);
      seen = await look(id);
    }
    report(seen, metrics);
  };
}

async function backupsOf(client: CloudHsmClient, id: string): Promise<SeenBackup[]> {
  const all = await allPages(async (NextToken) => {
    const page = backupsPage.parse(await client.send('DescribeBackups', { MaxResults: 50, ...(NextToken === undefined ? {} : { NextToken }) }));
    return { items: page.Backups ?? [], next: page.NextToken };
  });
  // Not by the filter of the API: whether it means the cluster of a copy or of its source is not documented.
  return all.filter(({ clusterId }) => clusterId === id);
}

function report(seen: GuardedBackups, metrics: FunctionMetrics): void {
  const { newestAgeHours = noBackupHours, newestCopyAgeHours = noBackupHours, beingDeleted } = backupFindings(seen);
  // Without a second Region the backups at home are all there are; with one, the older of the two counts.
  metrics.record('HsmBackupAge', seen.second === undefined ? newestAgeHours : Math.max(newestAgeHours, newestCopyAgeHours - copyDelayHours));
  metrics.flush();
  const isOld = newestAgeHours > backupAgeHoursMax || (seen.second !== undefined && newestCopyAgeHours - copyDelayHours > backupAgeHoursMax);
  if (isOld || beingDeleted.length > 0) logLine('error', { event: 'alarm', kind: 'hsm-backups', newestAgeHours, newestCopyAgeHours, beingDeleted });
}
