import type { SigningAlgorithm } from './key-specs.ts';

/** What a signing algorithm means. The bridge maps `scheme` to a mechanism per HSM profile. */
export interface SigningDescriptor {
  readonly scheme: 'RSASSA_PSS' | 'RSASSA_PKCS1_V1_5' | 'ECDSA';
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly digestBytes: 32 | 48 | 64;
}

const sha256 = { hash: 'sha256', digestBytes: 32 } as const;
const sha384 = { hash: 'sha384', digestBytes: 48 } as const;
const sha512 = { hash: 'sha512', digestBytes: 64 } as const;

export const signingDescriptors: Readonly<Record<SigningAlgorithm, SigningDescriptor>> = {
  RSASSA_PSS_SHA_256: { scheme: 'RSASSA_PSS', ...sha256 },
  RSASSA_PSS_SHA_384: { scheme: 'RSASSA_PSS', ...sha384 },
  RSASSA_PSS_SHA_512: { scheme: 'RSASSA_PSS', ...sha512 },
  RSASSA_PKCS1_V1_5_SHA_256: { scheme: 'RSASSA_PKCS1_V1_5', ...sha256 },
  RSASSA_PKCS1_V1_5_SHA_384: { scheme: 'RSASSA_PKCS1_V1_5', ...sha384 },
  RSASSA_PKCS1_V1_5_SHA_512: { scheme: 'RSASSA_PKCS1_V1_5', ...sha512 },
  ECDSA_SHA_256: { scheme: 'ECDSA', ...sha256 },
  ECDSA_SHA_384: { scheme: 'ECDSA', ...sha384 },
  ECDSA_SHA_512: { scheme: 'ECDSA', ...sha512 },
};
