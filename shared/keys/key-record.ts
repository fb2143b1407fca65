import { hash } from 'node:crypto';
import type { KeySpec, KeyUsage } from '#shared/algorithms/key-specs.ts';
import type { KeyOrigin } from '#shared/keys/material.ts';
import type { Versioning } from '#shared/keys/versions.ts';
import type { ImportedMaterial } from './imported.ts';

/** AWS KMS KeyState. Rows hold all but Unavailable, which follows from the key's store (shared/key-stores/key-store-record.ts). */
export const keyStates = ['Enabled', 'Disabled', 'PendingDeletion', 'PendingImport', 'Unavailable', 'Creating', 'Updating', 'PendingReplicaDeletion'] as const;
export type KeyState = (typeof keyStates)[number];

export interface Tag {
  readonly TagKey: string;
  readonly TagValue: string;
}

export interface KeyRecord {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly description: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly origin: KeyOrigin;
  readonly multiRegion: boolean;
  /** Multi-Region keys: where the primary key is. Absent: it is this one. */
  readonly primaryRegion?: string | undefined;
  /** Multi-Region keys: where the replicas are, sorted; the same in every key of the set. Absent: there are none. */
  readonly replicaRegions?: readonly string[] | undefined;
  /** What is left to do before the key is one of its set like any other. The sweep does it. */
  readonly synchronize?: { readonly task: 'CREATION' | 'PRIMARY'; readonly since: number } | undefined;
  readonly state: KeyState;
  readonly currentVersion: number;
  /** The key policy document, exactly as it was put. */
  readonly policy: string;
  readonly tags: readonly Tag[];
  readonly rotation: Rotation;
  readonly deletion?: Deletion | undefined;
  /** Keys of origin EXTERNAL: what was imported so far, by version. */
  readonly imports?: readonly ImportedMaterial[] | undefined;
  /** Asymmetric and HMAC keys that were given a version rule or a second version. */
  readonly versioning?: Versioning | undefined;
  /** The custom key store that the key is in. Absent: the default one. */
  readonly keyStoreId?: string | undefined;
}

export interface Rotation {
  readonly enabled: boolean;
  readonly periodDays: number;
  /** Milliseconds. Absent while rotation is off; kept while the key is disabled, acted on once it is enabled again. */
  readonly nextAt?: number | undefined;
  /** RotateKeyOnDemand calls so far: at most 25 for the life of a key. */
  readonly onDemandCount: number;
}

export interface Deletion {
  /** Milliseconds: the end of the waiting period. Absent: it begins when the last replica is gone. */
  readonly at?: number | undefined;
  readonly pendingWindowDays: number;
  readonly requestedBy: string;
}

/** One version of a key. Its material lies in the material table under the same number. */
export interface VersionRecord {
  readonly version: number;
  readonly createdAt: number;
  readonly origin: 'CREATION' | 'AUTOMATIC' | 'ON_DEMAND';
}

/** KeyMaterialId (64 hexadecimal digits): names a version to callers without telling anything about it, the same in every replica. */
export const keyMaterialId = (keyId: string, version: number): string => hash('sha256', `chatelaine-key-material\n${keyId}\n${version}`, 'hex');
