/** A public key as a JSON Web Key (RFC 7517 section 4). Parsing SubjectPublicKeyInfo is all that node:crypto does here. */
import { createPublicKey } from 'node:crypto';
import { joseAlgorithm } from '#shared/algorithms/jose.ts';
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import type { KeyRecord } from './key-record.ts';

export type JsonWebKey = Readonly<Record<string, string>>;

/** Everything that the key may be used with under this service. */
export function publicAlgorithmsOf({ keySpec, keyUsage }: Pick<KeyRecord, 'keySpec' | 'keyUsage'>): readonly string[] {
  const spec = describeKeySpec(keySpec);
  if (keyUsage === 'SIGN_VERIFY') return spec.signingAlgorithms ?? [];
  return keyUsage === 'ENCRYPT_DECRYPT' ? (spec.encryptionAlgorithms ?? []) : [];
}

/**
 * @param algorithm the one that the reader of the set will use. Without it `alg` is there only for keys that have one algorithm: an RSA key may be used with
 * several, and RFC 7517 section 4.4 has no way to say so.
 */
export function jsonWebKey(record: Pick<KeyRecord, 'keySpec' | 'keyUsage'>, kid: string, publicKey: Uint8Array, algorithm: string | undefined): JsonWebKey {
  const jwk = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }).export({ format: 'jwk' }) as Record<string, string>;
  const [only, ...others] = publicAlgorithmsOf(record);
  const meant = algorithm ?? (others.length === 0 ? only : undefined);
  const alg = meant === undefined ? undefined : joseAlgorithm(record.keySpec, meant);
  return { ...jwk, kid, use: record.keyUsage === 'SIGN_VERIFY' ? 'sig' : 'enc', ...(alg === undefined ? {} : { alg }) };
}
