/** What the reconciler sees, what it is asked for, and what it can answer. */
import type { HardwareCertificates, HardwareRoots } from './hardware-chain.ts';

/** As the API names them. `MODIFY_IN_PROGRESS` and `ROLLBACK_IN_PROGRESS` came with hsm2m.medium. */
export const clusterStates = [
  'CREATE_IN_PROGRESS',
  'UNINITIALIZED',
  'INITIALIZE_IN_PROGRESS',
  'INITIALIZED',
  'ACTIVE',
  'UPDATE_IN_PROGRESS',
  'MODIFY_IN_PROGRESS',
  'ROLLBACK_IN_PROGRESS',
  'DELETE_IN_PROGRESS',
  'DELETED',
  'DEGRADED',
] as const;
export const hsmStates = ['CREATE_IN_PROGRESS', 'ACTIVE', 'DEGRADED', 'DELETE_IN_PROGRESS', 'DELETED'] as const;
export type ClusterState = (typeof clusterStates)[number];
export type HsmState = (typeof hsmStates)[number];

export interface ObservedHsm {
  readonly id: string;
  readonly zone: string;
  readonly state: HsmState;
}

export interface ObservedCluster {
  readonly id: string;
  readonly state: ClusterState;
  readonly hsmType: string;
  /** Absent: the answer did not say. */
  readonly mode?: string | undefined;
  readonly sourceBackupId?: string | undefined;
  /** CloudHSM made it with the cluster: whoever is in it reaches the HSMs. */
  readonly securityGroupId?: string | undefined;
  /** Zone to subnet. */
  readonly subnets: Readonly<Record<string, string>>;
  readonly hsms: readonly ObservedHsm[];
  readonly tags: Readonly<Record<string, string>>;
  readonly certificates: HardwareCertificates;
}

export interface ObservedBackup {
  readonly id: string;
  readonly state: 'CREATE_IN_PROGRESS' | 'READY' | 'DELETED' | 'PENDING_DELETION';
  readonly hsmType?: string | undefined;
  readonly mode?: string | undefined;
}

/** What the reconciler remembers between its steps. It is written before a call is sent, so that a crash never leaves a call that nobody knows of. */
export interface Journal {
  /** The last call, how often it was made in a row, and which HSMs there were before it. */
  readonly lastCall?: { readonly kind: ActionKind; readonly at: number; readonly count: number; readonly hsmIds: readonly string[] } | undefined;
  readonly zoneFailures?: Readonly<Record<string, { readonly at: number; readonly count: number }>> | undefined;
  readonly throttled?: { readonly until: number; readonly count: number } | undefined;
  readonly waiting?: { readonly reason: WaitReason; readonly since: number } | undefined;
}

export interface Observed {
  readonly now: number;
  /** The deployment's own, by its tag; or the configured one. */
  readonly clusters: readonly ObservedCluster[];
  /** The backup that the cluster is to be made from, if there is to be one. */
  readonly backup?: ObservedBackup | undefined;
  /** Of the certificate authority's key; absent when it is not kept in AWS KMS. */
  readonly authorityKey?: 'enabled' | 'disabled' | undefined;
  /** What a person put there after signing outside. */
  readonly externalCertificates?: { readonly signedCertificate: string; readonly trustAnchor: string } | undefined;
  readonly journal: Journal;
}

/** How far to go: each is a custom resource of its own, because CloudFormation waits for one at most an hour. */
export const phases = ['initialised', 'active', 'scaled', 'ready'] as const;
export type Phase = (typeof phases)[number];

export type Desired = { readonly deployment: string; readonly phase: Phase } & (
  | { readonly source: 'softhsm' }
  | { readonly source: 'existing'; readonly clusterId: string }
  | ({ readonly source: 'managed'; readonly authority: 'kms' | 'external'; readonly hardwareRoots: HardwareRoots; readonly epoch?: number | undefined } & Fleet)
  | ({ readonly source: 'restore'; readonly backupId: string } & Fleet)
);

export interface Fleet {
  readonly hsms: number;
  /** One subnet for each zone, chosen once: a cluster never gets others. */
  readonly subnets: readonly string[];
  readonly backupRetentionDays: number;
  /** No cluster is made: one that is gone was deleted by a person, and an empty one in its place would hide that and cost money. */
  readonly keepsOnly?: boolean | undefined;
}

/** All that the reconciler can do. Nothing here deletes, and nothing may be added that does. */
export type Action =
  | { readonly kind: 'create-cluster' }
  | { readonly kind: 'create-hsm'; readonly clusterId: string; readonly zone: string }
  | { readonly kind: 'initialise'; readonly clusterId: string; readonly signingRequest: string }
  | { readonly kind: 'disable-authority' }
  | { readonly kind: 'activate'; readonly clusterId: string }
  | { readonly kind: 'create-users'; readonly clusterId: string }
  | { readonly kind: 'create-keys'; readonly clusterId: string; readonly epoch: number };
export type ActionKind = Action['kind'];

export type WaitReason =
  | 'throttled'
  | 'own-call-not-visible-yet'
  | 'backup-is-being-made'
  | 'cluster-changes'
  | 'hsm-is-being-made'
  | 'hsm-is-being-deleted'
  | 'signing-request-not-there-yet'
  | 'signed-certificate-needed'
  | 'activation-not-visible-yet'
  | 'users-not-reported-yet'
  | 'keys-not-reported-yet'
  | 'no-zone-has-capacity'
  | 'another-driver-works'
  | 'journal-unavailable'
  | 'call-failed';

export type StopReason =
  | 'several-clusters'
  | 'cluster-not-found'
  | 'no-cluster'
  | 'cluster-not-active'
  | 'cluster-without-hsm'
  | 'cluster-is-being-deleted'
  | 'cluster-degraded'
  | 'first-hsm-degraded'
  | 'wrong-hsm-type'
  | 'not-fips'
  | 'other-subnets'
  | 'backup-not-found'
  | 'backup-is-being-deleted'
  | 'backup-not-fips'
  | 'not-from-this-backup'
  | 'hardware-not-genuine'
  | 'signed-certificate-unusable'
  | 'too-many-hsms'
  | 'no-effect'
  | 'not-allowed'
  | 'waited-too-long';

export type Step =
  | { readonly kind: 'act'; readonly action: Action }
  | { readonly kind: 'wait'; readonly reason: WaitReason; readonly until: number; readonly detail?: string }
  | { readonly kind: 'done'; readonly clusterId?: string; readonly notices: readonly string[] }
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly detail: string };
