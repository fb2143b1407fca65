import type { KeySpec, KeyUsage, ProtectionLevel } from '#shared/algorithms/key-specs.ts';

export type KeyOrigin = 'AWS_KMS' | 'EXTERNAL' | 'AWS_CLOUDHSM' | 'EXTERNAL_KEY_STORE';

/** AES_KWP: a key, wrapped by the HSM. AES_GCM_SEED: a seed, encrypted by the HSM with its seed key: IV (12), ciphertext, tag (16). */
export const wrapMechanisms = ['AES_KWP', 'AES_GCM_SEED'] as const;
export type WrapMechanism = (typeof wrapMechanisms)[number];

/** Which key version a caller means. The bridge compares it with the material's own claims. */
export interface KeyBinding {
  /** The key store, one HSM (cluster) with its domain keys. */
  readonly account: string;
  readonly region: string;
  /** A UUID, or `mrk-` and 32 hexadecimal digits. */
  readonly keyId: string;
  /** From 1. */
  readonly version: number;
}

/**
 * One version of a key's material as it rests in the material table. `wrapped` is opaque outside the HSM. `tag` is an HMAC made in the HSM
 * over every other member (hsm-bridge/binding.ts), so a row that was swapped, retyped or edited is refused before it is unwrapped.
 */
export interface KeyMaterial extends KeyBinding {
  readonly format: 1;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly origin: KeyOrigin;
  readonly protection: ProtectionLevel;
  /** Generation of the HSM's key-encryption key. */
  readonly epoch: number;
  readonly wrapMechanism: WrapMechanism;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Base64 DER SubjectPublicKeyInfo; absent for symmetric and HMAC keys. */
  readonly publicKey?: string | undefined;
  /** Base64. */
  readonly wrapped: string;
  /** Base64 HMAC-SHA-256. */
  readonly tag: string;
}
