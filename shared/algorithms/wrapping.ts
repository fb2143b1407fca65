/** How imported key material travels. AWS KMS API Reference, GetParametersForImport; PKCS #11 v2.40 section 2.1.22 (CKM_RSA_AES_KEY_WRAP); RFC 5649. */
import type { EncryptionAlgorithm, KeySpec } from './key-specs.ts';
import { describeKeySpec } from './key-specs.ts';

export const wrappingKeySpecs = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;
export type WrappingKeySpec = (typeof wrappingKeySpecs)[number];

export const wrappingAlgorithms = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_AES_KEY_WRAP_SHA_256'] as const;
export type WrappingAlgorithm = (typeof wrappingAlgorithms)[number];

export interface WrappingDescriptor {
  readonly oaep: Exclude<EncryptionAlgorithm, 'SYMMETRIC_DEFAULT'>;
  /** The RSA part carries an AES key, and that key wraps the material (AES-KWP). Otherwise the RSA part is the material. */
  readonly viaAes: boolean;
}

export const wrappingDescriptors: Readonly<Record<WrappingAlgorithm, WrappingDescriptor>> = {
  RSAES_OAEP_SHA_1: { oaep: 'RSAES_OAEP_SHA_1', viaAes: false },
  RSAES_OAEP_SHA_256: { oaep: 'RSAES_OAEP_SHA_256', viaAes: false },
  RSA_AES_KEY_WRAP_SHA_1: { oaep: 'RSAES_OAEP_SHA_1', viaAes: true },
  RSA_AES_KEY_WRAP_SHA_256: { oaep: 'RSAES_OAEP_SHA_256', viaAes: true },
};

/** AES keys that RSA_AES_KEY_WRAP may carry. */
export const aesWrappingKeyBytes: readonly number[] = [16, 24, 32];

/** AWS's own rules: RSA private keys do not fit into RSA, and neither does a P-521 private key into RSA_2048. */
export function canWrap(spec: KeySpec, algorithm: WrappingAlgorithm, wrappingKeySpec: WrappingKeySpec): boolean {
  if (wrappingDescriptors[algorithm].viaAes) return true;
  return describeKeySpec(spec).kind !== 'rsa' && !(spec === 'ECC_NIST_P521' && wrappingKeySpec === 'RSA_2048');
}
