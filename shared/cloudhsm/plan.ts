/**
 * The reconciler: from what is there to the one next thing. Pure, so that CloudFormation's custom resources, the schedule, the operator's command and
 * tests under a virtual clock all decide by the same function. The order is fixed by CloudHSM: first HSM, then certificates, then activation, then more
 * HSMs, then users (those made while an HSM joins never reach it), and last the keys that they own and use.
 */
import { calledRecently, callsInVain, settleMs } from './calls.ts';
import { planActive, planInitialised, planUninitialised } from './cluster-plans.ts';
import type { Desired, Fleet, Journal, Observed, ObservedBackup, ObservedCluster, Step, WaitReason } from './observation.ts';
import { act, stopped, waitFor } from './steps.ts';

/** Longer than the slowest creation that was reported (25 minutes). */
const patienceMs = 2 * 3_600_000;
/** A person or the service's own brake decides how long these take. */
const unbounded: ReadonlySet<WaitReason> = new Set(['signed-certificate-needed', 'throttled']);

export function plan(observed: Observed, desired: Desired): Step {
  return withPatience(next(observed, desired), observed.journal, observed.now);
}

/** A wait for the same thing ends at some time, by name. */
export function withPatience(step: Step, { waiting }: Journal, now: number): Step {
  if (step.kind !== 'wait' || unbounded.has(step.reason) || waiting?.reason !== step.reason || now - waiting.since <= patienceMs) return step;
  return stopped('waited-too-long', `${step.reason} since ${new Date(waiting.since).toISOString()}${step.detail === undefined ? '' : `: ${step.detail}`}`);
}

function next(observed: Observed, desired: Desired): Step {
  if (desired.source === 'softhsm') return { kind: 'done', notices: [] };
  const { throttled } = observed.journal;
  if (throttled !== undefined && throttled.until > observed.now) return { kind: 'wait', reason: 'throttled', until: throttled.until };
  const present = observed.clusters.filter(({ state }) => state !== 'DELETED');
  // Which one holds the keys is for a person to say.
  if (present.length > 1) return stopped('several-clusters', present.map(({ id }) => id).join(', '));
  const [cluster] = present;
  if (desired.source === 'existing') return planExisting(cluster, desired.clusterId);
  return cluster === undefined ? planCreation(observed, desired) : planCluster(observed, desired, cluster);
}

type Kept = Extract<Desired, Fleet>;

function planExisting(cluster: ObservedCluster | undefined, clusterId: string): Step {
  if (cluster === undefined) return stopped('cluster-not-found', clusterId);
  const fault = kindFault(cluster);
  if (fault !== undefined) return fault;
  if (cluster.state !== 'ACTIVE') return stopped('cluster-not-active', `${cluster.id} is ${cluster.state}; whoever looks after it brings it up`);
  if (!cluster.hsms.some(({ state }) => state === 'ACTIVE')) return stopped('cluster-without-hsm', cluster.id);
  return { kind: 'done', clusterId: cluster.id, notices: [] };
}

function planCreation(observed: Observed, desired: Kept): Step {
  // A call of the deployment may not be visible yet; its own driver waits for it.
  if (desired.keepsOnly === true) return stopped('no-cluster', `there is none with the tag of ${desired.deployment}, and only a first deployment or a person makes one`);
  if (calledRecently(observed, 'create-cluster', settleMs.cluster)) return waitFor(observed, 'own-call-not-visible-yet');
  if (callsInVain(observed, 'create-cluster')) return stopped('no-effect', 'CreateCluster was called several times and no cluster came of it');
  const wait = desired.source === 'restore' ? planBackup(observed, desired.backupId) : undefined;
  return wait ?? act({ kind: 'create-cluster' });
}

function planBackup(observed: Observed, backupId: string): Step | undefined {
  const backup: ObservedBackup | undefined = observed.backup;
  if (backup === undefined || backup.state === 'DELETED') return stopped('backup-not-found', `${backupId} is not in this Region; copy it here first`);
  if (backup.state === 'PENDING_DELETION') return stopped('backup-is-being-deleted', `${backupId}; RestoreBackup takes it back within seven days`);
  if (backup.state === 'CREATE_IN_PROGRESS') return waitFor(observed, 'backup-is-being-made');
  if (backup.hsmType !== undefined && backup.hsmType !== 'hsm2m.medium') return stopped('wrong-hsm-type', `${backupId} is of ${backup.hsmType}`);
  // The mode of a backup is the mode of every cluster made from it.
  return backup.mode === 'FIPS' ? undefined : stopped('backup-not-fips', backupId);
}

function planCluster(observed: Observed, desired: Kept, cluster: ObservedCluster): Step {
  const fault = clusterFault(desired, cluster);
  if (fault !== undefined) return fault;
  switch (cluster.state) {
    case 'UNINITIALIZED':
      return planUninitialised(observed, desired, cluster);
    case 'INITIALIZED':
      return planInitialised(observed, desired, cluster);
    case 'ACTIVE':
      return planActive(observed, desired, cluster);
    case 'DEGRADED':
      return stopped('cluster-degraded', `${cluster.id}: nothing is added to a degraded cluster; see docs/cloudhsm.md`);
    case 'DELETE_IN_PROGRESS':
    case 'DELETED':
      return stopped('cluster-is-being-deleted', cluster.id);
    default:
      return waitFor(observed, 'cluster-changes', cluster.state);
  }
}

function clusterFault(desired: Kept, cluster: ObservedCluster): Step | undefined {
  const kind = kindFault(cluster);
  if (kind !== undefined) return kind;
  if (desired.source === 'restore' && cluster.sourceBackupId !== desired.backupId)
    return stopped('not-from-this-backup', `${cluster.id} is from ${cluster.sourceBackupId ?? 'no backup'}`);
  const subnets = Object.values(cluster.subnets).toSorted();
  // A cluster that is being made does not show its subnets yet.
  if (subnets.length > 0 && subnets.join() !== desired.subnets.toSorted().join()) return stopped('other-subnets', `${cluster.id} is in ${subnets.join(', ')}`);
  return undefined;
}

function kindFault({ id, hsmType, mode }: ObservedCluster): Step | undefined {
  if (hsmType !== 'hsm2m.medium') return stopped('wrong-hsm-type', `${id} is of ${hsmType}`);
  return mode === 'FIPS' ? undefined : stopped('not-fips', `${id} is in mode ${mode ?? 'unknown'}`);
}
