import type { EncryptionAlgorithm, KeySpec } from './key-specs.ts';
import { describeKeySpec } from './key-specs.ts';

export type OaepHash = 'sha1' | 'sha256';

export const oaepHashes: Readonly<Record<Exclude<EncryptionAlgorithm, 'SYMMETRIC_DEFAULT'>, { hash: OaepHash; hashBytes: 20 | 32 }>> = {
  RSAES_OAEP_SHA_1: { hash: 'sha1', hashBytes: 20 },
  RSAES_OAEP_SHA_256: { hash: 'sha256', hashBytes: 32 },
};

/** The service's own bound on Plaintext (API Reference, Encrypt). */
export const plaintextBytesMax = 4096;

/** The largest plaintext in bytes. RFC 8017 section 7.1.1: OAEP takes mLen <= k - 2hLen - 2. */
export function plaintextLimit(spec: KeySpec, algorithm: EncryptionAlgorithm): number {
  const descriptor = describeKeySpec(spec);
  if (algorithm === 'SYMMETRIC_DEFAULT' || descriptor.kind !== 'rsa') return plaintextBytesMax;
  return descriptor.modulusBits / 8 - 2 * oaepHashes[algorithm].hashBytes - 2;
}
