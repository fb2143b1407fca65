/**
 * Everything that happens in front of the HSM. Each call is one compound operation and one round trip to the bridge; plaintext key material
 * never crosses this port. The bridge client (hsm-bridge/client/) implements it; lambdas and server inject it.
 * All calls throw CryptoError.
 */
import type { EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import type { MessageType } from '#shared/algorithms/signing.ts';
import type { WrappingAlgorithm, WrappingKeySpec } from '#shared/algorithms/wrapping.ts';
import type { KeyBinding, KeyMaterial, KeyOrigin } from '#shared/keys/material.ts';
import type { CryptoCall, CryptoOutcome } from '#shared/ports/crypto-batch.ts';

export type { MessageType };

/** The material to use, and what the caller takes it for. A mismatch is `material-refused`. */
export interface KeyHandle {
  readonly binding: KeyBinding;
  readonly material: KeyMaterial;
  /** The bridge of the key's own store, by cluster id. Absent: the default bridge. Never sent to a bridge. */
  readonly store?: string | undefined;
}

/** A key store of an account, by cluster id. */
export interface KeyStorePlace {
  readonly account: string;
  readonly store: string;
}

/** AES-256-GCM parts. `ciphertext` ends with the 16-byte tag. The HSM profile chooses `iv` (12 bytes). */
export interface SealedParts {
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface GenerateKeyRequest {
  readonly binding: KeyBinding;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly origin: KeyOrigin;
  /** As in KeyHandle. */
  readonly store?: string | undefined;
}

export interface ImportParametersRequest {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  readonly wrappingAlgorithm: WrappingAlgorithm;
  readonly wrappingKeySpec: WrappingKeySpec;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  readonly store?: string | undefined;
}

/** Names imported material without telling anything about it: an HMAC made in the HSM, bound to the key id. Equal for equal material. */
export interface MaterialFingerprint {
  /** Generation of the HSM's keys that made it. */
  readonly epoch: number;
  /** 64 hexadecimal digits. */
  readonly value: string;
}

export interface ImportKeyRequest {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  /** What the caller sent: the import token, and the material under its wrapping key. */
  readonly token: Uint8Array;
  readonly encrypted: Uint8Array;
  /** Versions that the material may be a repeat of. */
  readonly known: readonly (MaterialFingerprint & { readonly version: number })[];
  /** Set: the material must be none of those, and becomes this version. Absent: it must be one of those. */
  readonly newVersion?: number | undefined;
  readonly store?: string | undefined;
}

export interface ImportedKey {
  /** Its version is the one that was found, or `newVersion`. */
  readonly material: KeyMaterial;
  readonly fingerprint: MaterialFingerprint;
}

/** One side of a ReEncrypt. AES takes `aad`; RSA takes none. */
export interface CipherSide {
  readonly key: KeyHandle;
  readonly algorithm: EncryptionAlgorithm;
  readonly aad?: Uint8Array;
}

export interface Crypto {
  generateKey(request: GenerateKeyRequest): Promise<KeyMaterial>;
  /** The same material for the same multi-Region key in another Region: every other claim stays. Not for imported material. */
  rebindKey(key: KeyHandle, region: string): Promise<KeyMaterial>;
  /** An RSA wrapping key, made in the HSM. Its private half leaves only inside the token, wrapped. */
  importParameters(request: ImportParametersRequest): Promise<{ publicKey: Uint8Array; token: Uint8Array }>;
  /** Throws `invalid-import-token`, `invalid-ciphertext` (it cannot be unwrapped) or `incorrect-key-material` (not of the spec, or not the version's). */
  importKey(request: ImportKeyRequest): Promise<ImportedKey>;
  /** For RSA `iv` is empty. */
  encrypt(side: CipherSide, plaintext: Uint8Array): Promise<SealedParts>;
  decrypt(side: CipherSide, parts: SealedParts): Promise<Uint8Array>;
  reEncrypt(source: CipherSide, parts: SealedParts, destination: CipherSide): Promise<SealedParts>;
  /** HSM randomness, sealed under a SYMMETRIC_DEFAULT key. `plaintext` only when asked for. length: 1 to 1024 bytes. */
  generateDataKey(side: CipherSide, length: number, wantPlaintext: boolean): Promise<SealedParts & { plaintext?: Uint8Array }>;
  /** A key pair for use outside, its private half (PKCS #8) sealed under a SYMMETRIC_DEFAULT key. `privateKey` only when asked for. */
  generateDataKeyPair(side: CipherSide, keyPairSpec: KeySpec, wantPlaintext: boolean): Promise<SealedParts & { publicKey: Uint8Array; privateKey?: Uint8Array }>;
  /** The raw ECDH secret Z, as wide as the field. @param publicKey SubjectPublicKeyInfo of the other side; one that does not fit is `invalid-request` */
  deriveSharedSecret(key: KeyHandle, publicKey: Uint8Array): Promise<Uint8Array>;
  encapsulate(key: KeyHandle): Promise<{ sharedSecret: Uint8Array; ciphertext: Uint8Array }>;
  /** Implicit rejection (FIPS 203): only a wrong length is `invalid-ciphertext`. */
  decapsulate(key: KeyHandle, ciphertext: Uint8Array): Promise<Uint8Array>;
  /** ECDSA signatures are DER, all others raw. */
  sign(key: KeyHandle, algorithm: SigningAlgorithm, messageType: MessageType, message: Uint8Array): Promise<Uint8Array>;
  verify(key: KeyHandle, algorithm: SigningAlgorithm, messageType: MessageType, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  generateMac(key: KeyHandle, algorithm: MacAlgorithm, message: Uint8Array): Promise<Uint8Array>;
  verifyMac(key: KeyHandle, algorithm: MacAlgorithm, message: Uint8Array, mac: Uint8Array): Promise<boolean>;
  /** The SubjectPublicKeyInfo of the material, after its tag was checked. */
  getPublicKey(key: KeyHandle): Promise<Uint8Array>;
  /** HSM randomness, 1 to 1024 bytes. */
  generateRandom(length: number, from?: KeyStorePlace): Promise<Uint8Array>;
  /** HMACs under the HSM's MAC key over row digests (SHA-256, base64): see shared/repositories/seal.ts. At most 100. */
  sealRows(digests: readonly string[]): Promise<readonly string[]>;
  /** One answer per row, in order. */
  checkSeals(rows: readonly { digest: string; seal: string }[]): Promise<readonly boolean[]>;
  /** ECDSA P-384 over a SHA-384 digest (48 bytes) with the HSM's audit key. DER. */
  signAudit(digest: Uint8Array): Promise<Uint8Array>;
  /** Several uses of keys in one round trip. One outcome per call, in order; it rejects only when no call was answered. */
  batch(calls: readonly CryptoCall[]): Promise<readonly CryptoOutcome[]>;
  /** 32 bytes, the same for every process of the deployment while the HSM's epoch lasts, and for nobody else. Not for customer data. */
  deriveKey(purpose: DerivedKeyPurpose): Promise<Uint8Array>;
}

/** What the service itself needs a key for outside the HSM. */
export const derivedKeyPurposes = ['markers'] as const;
export type DerivedKeyPurpose = (typeof derivedKeyPurposes)[number];

export const cryptoErrorCodes = [
  /** The ciphertext, its additional data or its key does not fit. Never says which. */
  'invalid-ciphertext',
  /** The material row fails its binding or its HMAC: an alarm. */
  'material-refused',
  /** Not a token of this HSM, or one for another key, or too old. */
  'invalid-import-token',
  /** Imported material that is not what the key spec demands, or not the same as before. */
  'incorrect-key-material',
  /** The request breaks a bound that the caller should have checked. */
  'invalid-request',
  /** The HSM behind this bridge cannot do it. */
  'unsupported',
  /** This caller class may not call this operation. */
  'forbidden',
  /** Queue full: try again after a moment. */
  'busy',
  /** The deadline passed. */
  'timeout',
  /** No bridge, or no HSM behind it. */
  'unavailable',
  /** Unexpected answer of the HSM. */
  'internal',
] as const;
export type CryptoErrorCode = (typeof cryptoErrorCodes)[number];

export class CryptoError extends Error {
  override readonly name = 'CryptoError';
  readonly code: CryptoErrorCode;
  constructor(code: CryptoErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
