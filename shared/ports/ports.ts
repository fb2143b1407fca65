import type { BridgeDirectory } from '#shared/key-stores/bridge-directory.ts';
import type { Simulator } from '#shared/policy/simulator.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { Write } from '#shared/ports/record-store.ts';
import type { EncryptionCounter } from '#shared/repositories/encryption-counter.ts';
import type { KeyEraser, MaterialEraser } from '#shared/repositories/eraser.ts';
import type { GrantStore } from '#shared/repositories/grant-store.ts';
import type { KeyLister } from '#shared/repositories/key-lister.ts';
import type { KeyStoreReader } from '#shared/repositories/key-store-records.ts';
import type { UsageLog, UsageReader } from '#shared/repositories/last-usage.ts';
import type { RelatedKeys, RelatedMaterial } from '#shared/repositories/related-keys.ts';
import type { RoleStore } from '#shared/repositories/role-store.ts';

/** Applies a change together with its audit record: both or neither. */
export interface Committer {
  /**
   * @param writes each conditional on the revision it was decided on
   * @param created resources that the change made, for the audit record
   * @throws ConcurrentChange when a condition did not hold (the pipeline runs the operation again on fresh records)
   */
  commit(writes: readonly Write[], created?: readonly { arn: string; role: string }[]): Promise<void>;
}

/**
 * What an operation may ask for. Each name selects the AWS grants of its Lambda function (cdk/grants.ts) and the caller class of its bridge
 * certificate. Reading the keys that a request names is not a port: the pipeline does it for every operation that declares `keys`.
 */
export interface Ports {
  /** Reads of versions and aliases of one key, and lists of an account's keys and aliases. */
  readonly lister: KeyLister;
  readonly committer: Committer;
  /** Reads grants, issues and checks their tokens. */
  readonly grants: GrantStore;
  /** Reads roles and bindings. */
  readonly roles: RoleStore;
  /** Decides for principals that are not the caller. */
  readonly simulator: Simulator;
  /** Makes key material, and binds that of a multi-Region key to another of its Regions. Bridge class `lifecycle`. */
  readonly keyFactory: Pick<Crypto, 'generateKey' | 'rebindKey'>;
  /** Reads the other keys of a multi-Region key's set. */
  readonly relatedKeys: RelatedKeys;
  /** Reads the material of a primary key, for a replica: only the sweep's worker has it. */
  readonly relatedMaterial: RelatedMaterial;
  /** Brings in key material. Bridge class `lifecycle`. */
  readonly importer: Pick<Crypto, 'importParameters' | 'importKey'>;
  /** Reads the custom key stores of the caller's account. */
  readonly keyStores: Pick<KeyStoreReader, 'of'>;
  /** Asks whether a custom key store has keys. */
  readonly keysOfStores: Pick<KeyStoreReader, 'hasKeys'>;
  /** The bridges that custom key stores can name: what is configured of them, and whether they have the right HSM. */
  readonly bridgeDirectory: BridgeDirectory;
  /** Erases the material of single versions, in the transaction of the change. */
  readonly materialEraser: MaterialEraser;
  /** Uses key material. Bridge class `crypto`. */
  readonly cipher: Pick<Crypto, 'encrypt' | 'decrypt' | 'reEncrypt' | 'generateDataKey' | 'generateDataKeyPair' | 'batch'>;
  readonly signer: Pick<Crypto, 'sign' | 'verify' | 'getPublicKey' | 'batch'>;
  readonly mac: Pick<Crypto, 'generateMac' | 'verifyMac' | 'batch'>;
  /** Agreement on secrets: ECDH and ML-KEM. */
  readonly agreement: Pick<Crypto, 'deriveSharedSecret' | 'encapsulate' | 'decapsulate'>;
  readonly random: Pick<Crypto, 'generateRandom'>;
  /** Counts encryptions per key version (SP 800-38D section 8.3). */
  readonly encryptionCounter: EncryptionCounter;
  /** Remembers the use of keys: the pipeline notes it for every operation that declares this. */
  readonly usage: UsageLog;
  readonly lastUsage: UsageReader;
  /** Destruction: only the sweep's worker has it. */
  readonly eraser: KeyEraser;
}

export type PortName = keyof Ports;
