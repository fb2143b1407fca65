/** What the reconciler reaches the world through. */
import type { AdministrationRequest } from './administration-event.ts';
import type { ClusterCertificates } from './cluster-certificates.ts';
import type { Journal, Observed, ObservedBackup, ObservedCluster } from './observation.ts';

/**
 * What became of a call that gave no result. Throttled: not done, later. Refused: not done, and the same call would be refused again. Failed: the service said that it
 * broke, so it may be done. Lost: no answer, so it may be done. Denied: the role may not.
 */
export type FailureKind = 'throttled' | 'refused' | 'failed' | 'lost' | 'denied';

export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError';
  readonly kind: FailureKind;
  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export interface NewCluster {
  readonly deployment: string;
  readonly subnets: readonly string[];
  readonly backupRetentionDays: number;
  readonly backupId?: string | undefined;
}

/** CloudHSM's API as far as the reconciler may use it: no method deletes. @throws ControlPlaneError */
export interface ControlPlane {
  findClusters(which: { readonly deployment: string } | { readonly clusterId: string }): Promise<readonly ObservedCluster[]>;
  findBackup(backupId: string): Promise<ObservedBackup | undefined>;
  createCluster(cluster: NewCluster): Promise<void>;
  createHsm(clusterId: string, zone: string): Promise<void>;
  initialise(clusterId: string, certificates: ClusterCertificates): Promise<void>;
}

/** The certificate authority of the cluster. @throws ControlPlaneError */
export interface ClusterAuthority {
  observe(): Promise<Pick<Observed, 'authorityKey' | 'externalCertificates'>>;
  /** Stores the trust anchor where the bridge finds it before it gives anything back. The same when called again. */
  certificatesFor(signingRequest: string, now: number): Promise<ClusterCertificates>;
  disable(): Promise<void>;
}

/** What only a CloudHSM client inside the cluster's network can do. It asks for it and does not wait. @throws ControlPlaneError */
export interface HsmAdministration {
  request(request: AdministrationRequest): Promise<void>;
}

/** Another driver has taken the lease: what this one decided is out of date, and it makes no call any more. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  constructor() {
    super('Another driver has taken the lease of the reconciler.');
  }
}

/** @throws StoreUnavailable by each of its methods, LeaseLost */
export interface JournalLease {
  readonly journal: Journal;
  /** Calls are sent before this or not at all. */
  readonly until: number;
  save(journal: Journal): Promise<void>;
  release(journal: Journal): Promise<void>;
}

/** One driver at a time. @throws StoreUnavailable by each of its methods */
export interface JournalStore {
  /** @returns undefined while another driver holds the lease */
  acquire(now: number, durationMs: number): Promise<JournalLease | undefined>;
  read(): Promise<Journal>;
}

export interface ReconcilerPorts {
  readonly controlPlane: ControlPlane;
  readonly authority: ClusterAuthority;
  readonly administration: HsmAdministration;
  readonly journal: JournalStore;
  /** Told what was seen. */
  readonly seen?: (observed: Observed) => void;
  readonly now: () => number;
  /** Between 0 and 1. */
  readonly chance: () => number;
}
