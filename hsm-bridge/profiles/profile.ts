/** What differs between HSMs, as data. The driver reads it; nothing else asks which HSM it talks to. */

import type { EncryptionAlgorithm } from '#shared/algorithms/key-specs.ts';
import type { JobName } from '../driver/jobs.ts';

/** What a return value means at one place. */
export type Outcome =
  /** The caller's ciphertext, additional data or key does not fit. */
  | 'invalid-ciphertext'
  /** A cached key handle died: unwrap again, retry once. */
  | 'stale-key'
  /** The session is poisoned or dead: open another, retry once. */
  | 'stale-session'
  /** The HSM asks for patience: back off, retry within the deadline. */
  | 'throttled'
  /** The token, the login or the library is gone: not ready, exit, let the supervisor restart. */
  | 'token-lost'
  /** The profile says that this HSM cannot. */
  | 'unsupported'
  | 'internal';

/** The calls whose return values mean different things. */
export type CallSite = 'decrypt' | 'unwrap' | 'import' | 'other';

export type AttributeValue = boolean | number | Buffer;

export interface HsmProfile {
  readonly name: 'softhsm2' | 'cloudhsm';
  readonly sessionFlags: number;
  /** Sessions of one application; undefined means no limit. */
  readonly sessionsMax: number | undefined;
  readonly gcm: {
    readonly mechanism: number;
    /**
     * `random`: the driver takes 12 bytes of C_GenerateRandom in the same job. `prepended`: pIv is NULL and the HSM puts its IV in front of
     * the ciphertext, where decryption expects it.
     */
    readonly iv: 'random' | 'prepended';
    readonly dataBytesMax: number;
  };
  /** RFC 5649. */
  readonly wrapMechanism: number;
  readonly rsaKeyPairMechanism: number;
  /** `hsm`: CKM_RSA_PKCS_OAEP. `unpad`: the HSM does the private-key operation (CKM_RSA_X_509), the driver removes the padding in constant time. */
  readonly oaep: Readonly<Record<Exclude<EncryptionAlgorithm, 'SYMMETRIC_DEFAULT'>, 'hsm' | 'unpad'>>;
  /**
   * Imported material. `hsm`: only the HSM sees it. `memory`: it is checked in the bridge's memory first, because this HSM cannot say how long an
   * unwrapped secret is, parses private keys loosely, or gives no public key of one that it unwrapped (docs/adr/0021).
   */
  readonly imports: Readonly<Record<'aes' | 'hmac' | 'rsa' | 'ec', 'hsm' | 'memory'>>;
  /** `readable`: CKM_ECDH1_DERIVE with CKD_NULL gives a secret whose value may be read. `unavailable`: there are no key-agreement keys. */
  readonly ecdh: 'readable' | 'unavailable';
  /** Exactly the attributes that the key-encryption key must have, beyond those that every domain key must have. */
  readonly kekAttributes: Readonly<Record<number, AttributeValue>>;
  /** Jobs that take microseconds, because the HSM is in this process. */
  readonly quickJobs: ReadonlySet<JobName>;
  /** Return value → meaning. Unlisted ones are `internal`, and cost the session. */
  readonly outcomes: Readonly<Record<CallSite, ReadonlyMap<number, Outcome>>>;
}
