/**
 * One step of the reconciler for whoever asks: CloudFormation, which polls until the step of its custom resource is complete, or the schedule, which
 * replaces an HSM that was lost and goes on where a person was waited for.
 */
import * as z from 'zod';
import { type Desired, type Observed, type Phase, phases, type Step } from '#shared/cloudhsm/observation.ts';
import type { ReconcilerPorts } from '#shared/cloudhsm/ports.ts';
import { reconcile } from '#shared/cloudhsm/reconcile.ts';
import { logLine } from '../log-line.ts';
import type { FunctionMetrics } from '../metrics/function-metrics.ts';

export interface HsmReconcileSettings {
  readonly ports: ReconcilerPorts;
  readonly desired: (phase: Phase, hsms?: number) => Desired;
  readonly metrics: FunctionMetrics;
}

const resourceEvent = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResourceProperties: z.object({ Phase: z.enum(phases), Hsms: z.coerce.number().int().min(1).max(28).optional() }),
});

/** As the provider framework of the CDK reads it: no Data until it is complete. */
export interface Completion {
  readonly IsComplete: boolean;
  readonly Data?: { readonly ClusterId: string; readonly SecurityGroupId: string; readonly Status: string };
}

export function createHsmReconcileHandler({ ports, desired, metrics }: HsmReconcileSettings): (event: unknown) => Promise<Completion> {
  return async (event) => {
    const request = resourceEvent.safeParse(event);
    // The cluster holds every key: it stays when its stack goes. Whoever wants it gone uses the break-glass role.
    if (request.data?.RequestType === 'Delete') return { IsComplete: true };
    const isResource = typeof event === 'object' && event !== null && 'RequestType' in event;
    if (isResource && !request.success) throw new Error('The custom resource has unusable properties.');
    const { Phase = 'ready', Hsms } = request.data?.ResourceProperties ?? {};
    const asked = desired(Phase, Hsms);
    const wanted: Desired = 'hsms' in asked ? { ...asked, keepsOnly: request.data?.RequestType !== 'Create' } : asked;
    const looks: Observed[] = [];
    const step = await reconcile({ ...ports, seen: (observed) => void looks.push(observed) }, wanted);
    report(step);
    for (const seen of looks) measure(metrics, seen, wanted, step);
    metrics.flush();
    if (step.kind === 'stopped' && isResource) throw new Error(`The HSM cluster cannot go on: ${step.reason}: ${step.detail}`);
    if (step.kind === 'done') return completion(looks, 'done');
    // A person is waited for outside of CloudFormation, which would give up after an hour. The schedule goes on afterwards.
    if (step.kind === 'wait' && step.reason === 'signed-certificate-needed') return completion(looks, step.reason);
    return { IsComplete: false };
  };
}

/** From what the step saw: another look could be throttled, and an error here fails the deployment. */
function completion(looks: readonly Observed[], Status: string): Completion {
  const cluster = looks.at(-1)?.clusters.find(({ state }) => state !== 'DELETED');
  if (cluster?.securityGroupId === undefined) return { IsComplete: false };
  return { IsComplete: true, Data: { ClusterId: cluster.id, SecurityGroupId: cluster.securityGroupId, Status } };
}

function report(step: Step): void {
  const what = step.kind === 'act' ? step.action.kind : 'reason' in step ? step.reason : 'done';
  const detail = step.kind === 'done' ? step.notices.join('; ') : step.kind === 'act' ? undefined : step.detail;
  logLine(step.kind === 'stopped' ? 'error' : 'info', { event: 'hsm-step', kind: step.kind, what, ...(detail ? { detail } : {}) });
}

function measure(metrics: FunctionMetrics, { clusters }: Observed, wanted: Desired, step: Step): void {
  const hsms = clusters.flatMap((cluster) => cluster.hsms).filter(({ state }) => state !== 'DELETED');
  const active = hsms.filter(({ state }) => state === 'ACTIVE').length;
  metrics.record('HsmCount', active);
  metrics.record('HsmsMissing', Math.max(0, ('hsms' in wanted ? wanted.hsms : 1) - active));
  metrics.record('HsmsDegraded', hsms.filter(({ state }) => state !== 'ACTIVE' && state !== 'CREATE_IN_PROGRESS').length);
  metrics.record('HsmDivergence', step.kind === 'done' ? 0 : 1);
}
