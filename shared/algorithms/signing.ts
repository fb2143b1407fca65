import type { SigningAlgorithm } from './key-specs.ts';

export type MessageType = 'RAW' | 'DIGEST' | 'EXTERNAL_MU';

interface SigningBase {
  /** The message types that the algorithm takes, with the exact length in bytes of the message where it has one. */
  readonly messageTypes: Readonly<Partial<Record<MessageType, number | 'any'>>>;
}
/** Signed in the HSM, over a digest. The bridge maps `scheme` to a mechanism per HSM profile. */
export interface DigestSigning extends SigningBase {
  readonly scheme: 'RSASSA_PSS' | 'RSASSA_PKCS1_V1_5' | 'ECDSA';
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly digestBytes: 32 | 48 | 64;
}
/** Signed in the bridge, with a key expanded from its seed. */
export interface SeedSigning extends SigningBase {
  readonly scheme: 'ED25519' | 'ED25519_PH' | 'ML_DSA';
}
export type SigningDescriptor = DigestSigning | SeedSigning;

const sha256 = { hash: 'sha256', digestBytes: 32, messageTypes: { RAW: 'any', DIGEST: 32 } } as const;
const sha384 = { hash: 'sha384', digestBytes: 48, messageTypes: { RAW: 'any', DIGEST: 48 } } as const;
const sha512 = { hash: 'sha512', digestBytes: 64, messageTypes: { RAW: 'any', DIGEST: 64 } } as const;

const digestSigning = {
  RSASSA_PSS_SHA_256: { scheme: 'RSASSA_PSS', ...sha256 },
  RSASSA_PSS_SHA_384: { scheme: 'RSASSA_PSS', ...sha384 },
  RSASSA_PSS_SHA_512: { scheme: 'RSASSA_PSS', ...sha512 },
  RSASSA_PKCS1_V1_5_SHA_256: { scheme: 'RSASSA_PKCS1_V1_5', ...sha256 },
  RSASSA_PKCS1_V1_5_SHA_384: { scheme: 'RSASSA_PKCS1_V1_5', ...sha384 },
  RSASSA_PKCS1_V1_5_SHA_512: { scheme: 'RSASSA_PKCS1_V1_5', ...sha512 },
  ECDSA_SHA_256: { scheme: 'ECDSA', ...sha256 },
  ECDSA_SHA_384: { scheme: 'ECDSA', ...sha384 },
  ECDSA_SHA_512: { scheme: 'ECDSA', ...sha512 },
} as const satisfies Record<string, DigestSigning>;

export const signingDescriptors: Readonly<Record<SigningAlgorithm, SigningDescriptor>> = {
  ...digestSigning,
  // AWS KMS API Reference, Sign: each Edwards algorithm takes one message type. Ed25519ph hashes the given SHA-512 digest again (RFC 8032 section 5.1).
  ED25519_SHA_512: { scheme: 'ED25519', messageTypes: { RAW: 'any' } },
  ED25519_PH_SHA_512: { scheme: 'ED25519_PH', messageTypes: { DIGEST: 64 } },
  ML_DSA_SHAKE_256: { scheme: 'ML_DSA', messageTypes: { RAW: 'any', EXTERNAL_MU: 64 } },
};

/** @throws Error for an algorithm that the HSM does not sign with. */
export function describeDigestSigning(algorithm: SigningAlgorithm): DigestSigning {
  const descriptor = signingDescriptors[algorithm];
  if (!('hash' in descriptor)) throw new Error(`${algorithm} is not signed over a digest`);
  return descriptor;
}
