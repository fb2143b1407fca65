/** Which zone gets the next HSM. */
import type { Observed, ObservedCluster, ObservedHsm, Step } from './observation.ts';
import { act, stopped, waitFor } from './steps.ts';

/** A zone without capacity is asked again after this. */
const zoneRestMs = 10 * 60_000;
const zoneFailuresMax = 12;
/** CloudHSM's own bound on a cluster. Degraded HSMs stay in it, because nothing is deleted here. */
const hsmsMax = 28;

export const isHealthy = ({ state }: ObservedHsm): boolean => state === 'ACTIVE' || state === 'CREATE_IN_PROGRESS';
/** Still part of the cluster. */
export const isThere = ({ state }: ObservedHsm): boolean => state !== 'DELETED';

/** No zone gets more than its share, even when another one has no capacity: two HSMs in one zone are one fault away from none. */
export function planHsm(observed: Observed, cluster: ObservedCluster, hsms: number): Step {
  const { now, journal } = observed;
  if (cluster.hsms.filter(isThere).length >= hsmsMax) return stopped('too-many-hsms', `${cluster.id} holds ${hsmsMax} HSMs, degraded ones among them`);
  const zones = Object.keys(cluster.subnets).toSorted();
  const share = Math.ceil(hsms / Math.max(1, zones.length));
  const count = (zone: string) => cluster.hsms.filter((hsm) => hsm.zone === zone && isHealthy(hsm)).length;
  const open = zones.filter((zone) => count(zone) < share).toSorted((a, b) => count(a) - count(b));
  const failures = (zone: string) => journal.zoneFailures?.[zone];
  const zone = open.find((each) => now - (failures(each)?.at ?? Number.NEGATIVE_INFINITY) >= zoneRestMs && (failures(each)?.count ?? 0) < zoneFailuresMax);
  if (zone !== undefined) return act({ kind: 'create-hsm', clusterId: cluster.id, zone });
  if (open.every((each) => (failures(each)?.count ?? 0) >= zoneFailuresMax)) return stopped('no-effect', `CreateHsm was refused ${zoneFailuresMax} times in ${open.join(', ')}`);
  return waitFor(observed, 'no-zone-has-capacity', open.join(', '));
}
