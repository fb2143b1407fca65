import type { Observed, Step } from '#shared/cloudhsm/observation.ts';

export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'act':
      return `next: ${step.action.kind}${'zone' in step.action ? ` in ${step.action.zone}` : ''}`;
    case 'wait':
      return `waiting: ${step.reason}${step.detail === undefined ? '' : ` (${step.detail})`}, until ${new Date(step.until).toISOString()}`;
    case 'done':
      return ['done: nothing is left to do', ...step.notices.map((notice) => `note: ${notice}`)].join('\n');
    case 'stopped':
      return `stopped: ${step.reason}: ${step.detail}`;
  }
}

/** Clusters and HSMs, and what a person needs to sign the cluster's certificate outside. */
export function describeObserved({ clusters }: Observed): string {
  if (clusters.length === 0) return 'There is no cluster.';
  return clusters
    .map(({ id, state, hsmType, mode, hsms, certificates }) =>
      [
        `${id} ${state} ${hsmType} ${mode ?? ''}`,
        ...hsms.map((hsm) => `  ${hsm.id} ${hsm.zone} ${hsm.state}`),
        ...(state === 'UNINITIALIZED' ? Object.entries(certificates).map(([name, pem]) => `${name}:\n${pem ?? 'not there yet'}`) : []),
      ].join('\n'),
    )
    .join('\n');
}
