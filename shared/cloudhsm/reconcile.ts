/**
 * One step of the reconciler: look, decide, write down, make at most one call that changes something. Whoever drives it (CloudFormation, the schedule, an
 * operator) calls it again until it says done or stopped. It may die anywhere: the next step looks again.
 */
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { withCall, withFailure, withStep, withSuccess, withThrottle } from './calls.ts';
import { idsOf } from './cluster-plans.ts';
import type { Action, Desired, Journal, Observed, Step } from './observation.ts';
import { plan, withPatience } from './plan.ts';
import { ControlPlaneError, type JournalLease, LeaseLost, type ReconcilerPorts } from './ports.ts';
import { stopped } from './steps.ts';

/** Longer than one look and one call with their time limits. */
const leaseMs = 3 * 60_000;
/** A call that starts later than this before the end of the lease could overlap another driver's. */
const reserveMs = 60_000;
const retryMs = 30_000;

export async function reconcile(ports: ReconcilerPorts, desired: Desired): Promise<Step> {
  if (desired.source === 'softhsm') return { kind: 'done', notices: [] };
  try {
    const lease = await ports.journal.acquire(ports.now(), leaseMs);
    if (lease === undefined) return { kind: 'wait', reason: 'another-driver-works', until: ports.now() + leaseMs };
    const { step, journal } = await reconcileWith(ports, desired, lease);
    await lease.release(journal);
    return step;
  } catch (error) {
    // What was called is in the journal already; what the call did is seen at the next look.
    if (error instanceof LeaseLost) return { kind: 'wait', reason: 'another-driver-works', until: ports.now() + retryMs };
    if (error instanceof StoreUnavailable) return { kind: 'wait', reason: 'journal-unavailable', until: ports.now() + retryMs, detail: error.message };
    throw error;
  }
}

/** What the next step would be, and nothing else. */
export async function preview(ports: ReconcilerPorts, desired: Desired): Promise<{ readonly observed: Observed; readonly step: Step }> {
  const observed = await observe(ports, desired, await ports.journal.read());
  return { observed, step: plan(observed, desired) };
}

interface Outcome {
  readonly step: Step;
  readonly journal: Journal;
}

async function reconcileWith(ports: ReconcilerPorts, desired: Desired, lease: JournalLease): Promise<Outcome> {
  const { now } = ports;
  let { journal } = lease;
  let action: Action | undefined;
  if (journal.throttled !== undefined && journal.throttled.until > now()) return { step: { kind: 'wait', reason: 'throttled', until: journal.throttled.until }, journal };
  try {
    const observed = await observe(ports, desired, journal);
    ports.seen?.(observed);
    const step = plan(observed, desired);
    if (step.kind !== 'act') return { step, journal: { ...withStep(journal, step, now()), throttled: undefined } };
    journal = withCall(journal, step.action.kind, observed.clusters.flatMap(idsOf), now());
    await lease.save(journal);
    if (now() > lease.until - reserveMs) return { step: { kind: 'wait', reason: 'another-driver-works', until: lease.until }, journal: lease.journal };
    action = step.action;
    await perform(ports, desired, action);
    return { step, journal: { ...withSuccess(journal, zoneOf(action)), throttled: undefined } };
  } catch (error) {
    return afterFailure(ports, { journal, before: lease.journal, action }, error);
  }
}

async function observe(ports: ReconcilerPorts, desired: Desired, journal: Journal): Promise<Observed> {
  if (desired.source === 'softhsm') return { now: ports.now(), clusters: [], journal };
  const clusters = await ports.controlPlane.findClusters(desired.source === 'existing' ? { clusterId: desired.clusterId } : { deployment: desired.deployment });
  const backup = desired.source === 'restore' && clusters.length === 0 ? await ports.controlPlane.findBackup(desired.backupId) : undefined;
  const authority = desired.source === 'managed' ? await ports.authority.observe() : {};
  return { now: ports.now(), clusters, backup, ...authority, journal };
}

async function perform({ controlPlane, authority, administration, now }: ReconcilerPorts, desired: Desired, action: Action): Promise<void> {
  switch (action.kind) {
    case 'create-cluster': {
      if (desired.source !== 'managed' && desired.source !== 'restore') throw new Error(`A cluster of source ${desired.source} is not made here.`);
      const { deployment, subnets, backupRetentionDays } = desired;
      return controlPlane.createCluster({ deployment, subnets, backupRetentionDays, ...(desired.source === 'restore' ? { backupId: desired.backupId } : {}) });
    }
    case 'create-hsm':
      return controlPlane.createHsm(action.clusterId, action.zone);
    case 'initialise':
      return controlPlane.initialise(action.clusterId, await authority.certificatesFor(action.signingRequest, now()));
    case 'disable-authority':
      return authority.disable();
    case 'activate':
    case 'create-users':
      return administration.request({ step: action.kind, clusterId: action.clusterId });
    case 'create-keys':
      return administration.request({ step: action.kind, clusterId: action.clusterId, epoch: action.epoch });
  }
}

const zoneOf = (action: Action | undefined): string | undefined => (action?.kind === 'create-hsm' ? action.zone : undefined);

interface Attempt {
  readonly journal: Journal;
  /** Without the call. */
  readonly before: Journal;
  readonly action: Action | undefined;
}

function afterFailure({ now, chance }: ReconcilerPorts, { journal, before, action }: Attempt, error: unknown): Outcome {
  // Anything else is a defect, a lost lease or a journal that cannot be reached: it goes up, and the journal stays as it was saved.
  if (!(error instanceof ControlPlaneError)) throw error;
  const { kind, message } = error;
  if (kind === 'denied') return { step: stopped('not-allowed', message), journal: before };
  if (kind === 'throttled') {
    const slower = withThrottle(before, now(), chance());
    return { step: { kind: 'wait', reason: 'throttled', until: slower.throttled?.until ?? now() }, journal: slower };
  }
  const noted = kind === 'lost' ? journal : withFailure(journal, zoneOf(action), now(), kind === 'failed');
  const wait: Step = { kind: 'wait', reason: 'call-failed', until: now() + retryMs, detail: message };
  // A failed call is an effort too: what is waited for is an answer.
  return { step: withPatience(wait, before, now()), journal: withStep({ ...noted, waiting: before.waiting }, wait, now()) };
}
