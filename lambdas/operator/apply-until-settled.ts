import type { Desired, Step } from '#shared/cloudhsm/observation.ts';
import type { ReconcilerPorts } from '#shared/cloudhsm/ports.ts';
import { reconcile } from '#shared/cloudhsm/reconcile.ts';

export interface Watch {
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly tell: (step: Step) => void;
}

/** Step after step until it is done, stopped, or a person has to do something. */
export async function applyUntilSettled(ports: ReconcilerPorts, desired: Desired, { sleep, tell }: Watch): Promise<Step> {
  for (;;) {
    const step = await reconcile(ports, desired);
    tell(step);
    if (step.kind === 'done' || step.kind === 'stopped') return step;
    if (step.kind === 'wait' && step.reason === 'signed-certificate-needed') return step;
    if (step.kind === 'wait') await sleep(Math.max(1000, step.until - ports.now()));
  }
}
