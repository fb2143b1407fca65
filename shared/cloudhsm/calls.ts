/** What the journal says about the calls that were made. The control plane lags behind its own answers, and CreateCluster has no idempotency token. */
import type { ActionKind, Journal, Observed, Step } from './observation.ts';

/** How long an effect may take to show before the call is made again. */
export const settleMs = { cluster: 10 * 60_000, hsm: 3 * 60_000, initialise: 5 * 60_000, authority: 60_000, activate: 6 * 60_000, users: 10 * 60_000, keys: 10 * 60_000 } as const;

const callsMax = 5;

export function calledRecently({ journal: { lastCall }, now }: Observed, kind: ActionKind, withinMs: number): boolean {
  return lastCall?.kind === kind && now - lastCall.at < withinMs;
}

export function callsInVain({ journal: { lastCall } }: Observed, kind: ActionKind): boolean {
  return lastCall?.kind === kind && lastCall.count >= callsMax;
}

/** Is there no HSM yet that was not there before the last CreateHsm? */
export function isNewHsmInvisible(observed: Observed, hsmIds: readonly string[]): boolean {
  const { lastCall } = observed.journal;
  return calledRecently(observed, 'create-hsm', settleMs.hsm) && hsmIds.every((id) => lastCall?.hsmIds.includes(id));
}

/** The journal before a call is sent. A count goes up only while the call changes nothing: new HSMs are a change. */
export function withCall(journal: Journal, kind: ActionKind, hsmIds: readonly string[], now: number): Journal {
  const { lastCall } = journal;
  const isSame = lastCall?.kind === kind && hsmIds.every((id) => lastCall.hsmIds.includes(id));
  return { ...journal, lastCall: { kind, at: now, count: isSame ? lastCall.count + 1 : 1, hsmIds }, waiting: undefined };
}

/**
 * The call brought nothing; if it was for an HSM, its zone was at fault. After a clear refusal there is no effect to wait for, after a failure of the service
 * there may be one.
 */
export function withFailure(journal: Journal, zone: string | undefined, now: number, mayHaveWorked: boolean): Journal {
  if (zone === undefined) return journal;
  const count = (journal.zoneFailures?.[zone]?.count ?? 0) + 1;
  return { ...journal, ...(mayHaveWorked ? {} : { lastCall: undefined }), zoneFailures: { ...journal.zoneFailures, [zone]: { at: now, count } } };
}

export function withSuccess(journal: Journal, zone: string | undefined): Journal {
  const { [zone ?? '']: _, ...zoneFailures } = journal.zoneFailures ?? {};
  return { ...journal, zoneFailures };
}

const firstThrottleMs = 2_000;
const longestThrottleMs = 5 * 60_000;

/** @param chance between 0 and 1: drivers that were throttled together do not come back together */
export function withThrottle(journal: Journal, now: number, chance: number): Journal {
  const count = (journal.throttled?.count ?? 0) + 1;
  const pauseMs = Math.min(longestThrottleMs, firstThrottleMs * 2 ** Math.min(count - 1, 20));
  return { ...journal, throttled: { until: now + pauseMs * (0.5 + chance / 2), count } };
}

/** The journal after a look that needed no call. */
export function withStep(journal: Journal, step: Step, now: number): Journal {
  if (step.kind === 'stopped') return journal;
  if (step.kind !== 'wait') return { ...journal, waiting: undefined };
  return journal.waiting?.reason === step.reason ? journal : { ...journal, waiting: { reason: step.reason, since: now } };
}
