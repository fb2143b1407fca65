/** Wires the adapters of a deployment (AWS or single node) into what the pipeline runs operations with. */
import { awsNitroRootG1 } from '#shared/attestation/trusted-roots.ts';
import { createBridgeDirectory } from '#shared/key-stores/bridge-directory.ts';
import { createStoreRouter } from '#shared/key-stores/store-router.ts';
import type { Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';
import { PolicyCache } from '#shared/policy/policy-cache.ts';
import type { PrincipalIdentity } from '#shared/policy/principal-names.ts';
import { createSimulator } from '#shared/policy/simulator.ts';
import type { AlarmSink, AuditSink } from '#shared/ports/audit-sink.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import type { Ports } from '#shared/ports/ports.ts';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { type AccessReader, createAccessReader } from '#shared/repositories/access-reader.ts';
import { createEncryptionCounter } from '#shared/repositories/encryption-counter.ts';
import { createKeyEraser, materialEraser } from '#shared/repositories/eraser.ts';
import { createGrantStore } from '#shared/repositories/grant-store.ts';
import { createKeyLister } from '#shared/repositories/key-lister.ts';
import { createKeyReader, type KeyReader } from '#shared/repositories/key-reader.ts';
import { createKeyStoreReader } from '#shared/repositories/key-store-records.ts';
import { createUsageLog } from '#shared/repositories/last-usage.ts';
import { createRelatedKeys, createRelatedMaterial } from '#shared/repositories/related-keys.ts';
import { createRoleStore } from '#shared/repositories/role-store.ts';
import { createRowReader, type RowReader } from '#shared/repositories/row-reader.ts';
import type { FaultObserver } from './fault.ts';
import { createMarkers, type Markers } from './markers.ts';

export interface Adapters extends FaultObserver {
  readonly store: RecordStore;
  /** The default bridge: it seals rows, and holds the keys of no other store. */
  readonly crypto: Crypto;
  /** The bridges that custom key stores can name. None where the deployment lists none. */
  readonly keyStoreBridges?: KeyStoreBridges;
  readonly audit: AuditSink;
  readonly alarms: AlarmSink;
  readonly clock: Clock;
  /** `aws`, `aws-us-gov`, `aws-cn`. */
  readonly partition: string;
  /**
   * The roles that the deployment's configuration gives a principal: so an account has its first administrator. Everybody else starts with nothing
   * but key policies and grants.
   */
  readonly configuredRoles: (principal: PrincipalIdentity) => readonly string[];
  /** SHA-256 fingerprints of the roots whose attestation documents are believed. Absent: AWS's. */
  readonly attestationRoots?: readonly string[];
  /** The Regions whose keys the store keeps: replicas of multi-Region keys are made in them. Absent: any. */
  readonly regions?: readonly string[] | undefined;
  /** The beginning of the ARNs of the only sessions that may use destructive operations. Absent: roles and key policies decide alone. */
  readonly custodianSessions?: string | undefined;
  /** Called after each committed change, so that the outbox is published at once, and so is done what the change left to the sweep (`dueNow`). */
  readonly onCommit?: (change: { readonly dueNow: boolean }) => void;
}

export interface Service extends Adapters {
  readonly attestationRoots: readonly string[];
  readonly operations: ReadonlyMap<string, Operation>;
  readonly keyReader: KeyReader;
  readonly rows: RowReader;
  readonly accessReader: AccessReader;
  readonly policies: PolicyCache;
  readonly markers: Markers;
  /** Every port but the committer, which belongs to one request. */
  readonly ports: Omit<Ports, 'committer'>;
}

export function createService(adapters: Adapters): Service {
  const { crypto, store, partition, keyStoreBridges = new Map() } = adapters;
  const routed = createStoreRouter(crypto, keyStoreBridges);
  const rows = createRowReader(adapters);
  const bridgeDirectory = createBridgeDirectory(keyStoreBridges);
  const isListed = (clusterId: string, account: string) => bridgeDirectory.find(clusterId, account) !== undefined;
  const keyStores = createKeyStoreReader({ store, rows, isListed });
  const usage = createUsageLog(store);
  const policies = new PolicyCache();
  const accessReader = createAccessReader({ store, rows, policies, partition, configuredRoles: adapters.configuredRoles });
  return {
    ...adapters,
    attestationRoots: adapters.attestationRoots ?? [awsNitroRootG1],
    operations: new Map(operations.map((operation) => [operation.name, operation])),
    keyReader: createKeyReader({ rows, partition, clock: adapters.clock, isListed }),
    rows,
    accessReader,
    policies,
    markers: createMarkers({ crypto, now: () => adapters.clock.now() }),
    ports: {
      grants: createGrantStore({ store, rows, crypto }),
      roles: createRoleStore({ store, rows }),
      simulator: createSimulator({ reader: accessReader, rows, policies, partition }),
      lister: createKeyLister({ store, rows }),
      keyFactory: routed,
      relatedKeys: createRelatedKeys({ store, rows, clock: adapters.clock, regions: adapters.regions }),
      relatedMaterial: createRelatedMaterial(store),
      importer: routed,
      keyStores,
      // The same reader under two names: an operation declares the one whose grants it needs.
      keysOfStores: keyStores,
      bridgeDirectory,
      materialEraser,
      cipher: routed,
      signer: routed,
      mac: routed,
      agreement: routed,
      random: routed,
      encryptionCounter: createEncryptionCounter(store),
      eraser: createKeyEraser(store),
      usage,
      lastUsage: usage,
    },
  };
}
