import type { Action, Observed, Step, StopReason, WaitReason } from './observation.ts';

/** How long the control plane is left alone between two looks. */
const pollMs = 30_000;

export const act = (action: Action): Step => ({ kind: 'act', action });
export const stopped = (reason: StopReason, detail: string): Step => ({ kind: 'stopped', reason, detail });
export const waitFor = ({ now }: Observed, reason: WaitReason, detail?: string): Step => ({
  kind: 'wait',
  reason,
  until: now + pollMs,
  ...(detail === undefined ? {} : { detail }),
});
