/** What the reconciler does in each state that asks for something. */
import { calledRecently, callsInVain, isNewHsmInvisible, settleMs } from './calls.ts';
import { certificatesFault } from './cluster-certificates.ts';
import { hardwareFault } from './hardware-chain.ts';
import type { Action, Desired, Fleet, Observed, ObservedCluster, Step, WaitReason } from './observation.ts';
import { act, stopped, waitFor } from './steps.ts';
import { keysTag, usersTag } from './tags.ts';
import { isHealthy, isThere, planHsm } from './zones.ts';

type Kept = Extract<Desired, Fleet>;

/** Until the cluster is active there can be one HSM only: it makes the signing request and takes the first password. */
function planFirstHsm(observed: Observed, cluster: ObservedCluster): Step | undefined {
  const there = cluster.hsms.filter(isThere);
  if (isNewHsmInvisible(observed, idsOf(cluster))) return waitFor(observed, 'own-call-not-visible-yet');
  if (there.length === 0)
    return callsInVain(observed, 'create-hsm') ? stopped('no-effect', 'CreateHsm was called several times and no HSM came of it') : planHsm(observed, cluster, 1);
  if (there.some(({ state }) => state === 'ACTIVE')) return undefined;
  if (there.some(({ state }) => state === 'CREATE_IN_PROGRESS')) return waitFor(observed, 'hsm-is-being-made');
  if (there.some(({ state }) => state === 'DELETE_IN_PROGRESS')) return waitFor(observed, 'hsm-is-being-deleted');
  return stopped('first-hsm-degraded', `${there[0]?.id ?? ''} in ${cluster.id}: a person deletes it, then it is made again; it holds no key yet`);
}

export function planUninitialised(observed: Observed, desired: Kept, cluster: ObservedCluster): Step {
  // A cluster from a backup has its certificates and users already; it is never initialised again.
  if (desired.source === 'restore') return waitFor(observed, 'cluster-changes', cluster.state);
  const first = planFirstHsm(observed, cluster);
  if (first !== undefined) return first;
  const { signingRequest } = cluster.certificates;
  if (!signingRequest) return waitFor(observed, 'signing-request-not-there-yet');
  const fault = hardwareFault(cluster.certificates, desired.hardwareRoots, observed.now);
  if (fault !== undefined) return stopped('hardware-not-genuine', `${cluster.id}: ${fault}`);
  if (desired.authority === 'external') {
    if (observed.externalCertificates === undefined) return waitFor(observed, 'signed-certificate-needed', cluster.id);
    const unusable = certificatesFault(observed.externalCertificates, signingRequest, observed.now);
    if (unusable !== undefined) return stopped('signed-certificate-unusable', unusable);
  }
  return repeat(observed, { kind: 'initialise', clusterId: cluster.id, signingRequest }, settleMs.initialise, 'own-call-not-visible-yet');
}

export function planInitialised(observed: Observed, desired: Kept, cluster: ObservedCluster): Step {
  const retire = planAuthority(observed, desired);
  if (retire !== undefined) return retire;
  if (desired.phase === 'initialised') return done(cluster);
  const first = planFirstHsm(observed, cluster);
  if (first !== undefined) return first;
  // The control plane shows an activation up to four minutes late.
  return repeat(observed, { kind: 'activate', clusterId: cluster.id }, settleMs.activate, 'activation-not-visible-yet');
}

export function planActive(observed: Observed, desired: Kept, cluster: ObservedCluster): Step {
  const retire = planAuthority(observed, desired);
  if (retire !== undefined) return retire;
  if (desired.phase === 'initialised' || desired.phase === 'active') return done(cluster);
  if (isNewHsmInvisible(observed, idsOf(cluster))) return waitFor(observed, 'own-call-not-visible-yet');
  if (cluster.hsms.some(({ state }) => state === 'CREATE_IN_PROGRESS')) return waitFor(observed, 'hsm-is-being-made');
  if (cluster.hsms.some(({ state }) => state === 'DELETE_IN_PROGRESS')) return waitFor(observed, 'hsm-is-being-deleted');
  if (cluster.hsms.filter(isHealthy).length < desired.hsms)
    return callsInVain(observed, 'create-hsm') ? stopped('no-effect', 'CreateHsm was called several times and no HSM came of it') : planHsm(observed, cluster, desired.hsms);
  if (desired.phase === 'scaled' || desired.source === 'restore') return done(cluster);
  if (cluster.tags[usersTag] === undefined) return repeat(observed, { kind: 'create-users', clusterId: cluster.id }, settleMs.users, 'users-not-reported-yet');
  const { epoch } = desired;
  // Without an epoch the bridge is somebody else's, and so are its keys.
  if (epoch === undefined || Number(cluster.tags[keysTag] ?? 0) >= epoch) return done(cluster);
  return repeat(observed, { kind: 'create-keys', clusterId: cluster.id, epoch }, settleMs.keys, 'keys-not-reported-yet');
}

/** The authority signs once. Whoever can use its key later can pretend to be the HSM, so it is switched off as soon as the cluster has its certificate. */
function planAuthority(observed: Observed, desired: Kept): Step | undefined {
  if (desired.source !== 'managed' || desired.authority !== 'kms' || observed.authorityKey !== 'enabled') return undefined;
  return repeat(observed, { kind: 'disable-authority' }, settleMs.authority, 'own-call-not-visible-yet');
}

/** Acts; then waits for the effect; then acts again, a few times. */
function repeat(observed: Observed, action: Action, withinMs: number, reason: WaitReason): Step {
  if (calledRecently(observed, action.kind, withinMs)) return waitFor(observed, reason);
  if (callsInVain(observed, action.kind)) return stopped('no-effect', `${action.kind} was tried several times and changed nothing`);
  return act(action);
}

function done(cluster: ObservedCluster): Step {
  const notices = cluster.hsms.filter(({ state }) => state === 'DEGRADED').map(({ id, zone }) => `${id} in ${zone} is degraded and still paid for; a person may delete it`);
  return { kind: 'done', clusterId: cluster.id, notices };
}

export const idsOf = (cluster: ObservedCluster): string[] => cluster.hsms.filter(isThere).map(({ id }) => id);
