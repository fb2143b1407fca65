import { createPublicKey, type KeyObject } from 'node:crypto';

const cacheMax = 256;
const cache = new Map<string, KeyObject>();

/** Parses once per thread. @param publicKey base64 DER SubjectPublicKeyInfo. */
export function publicKeyOf(publicKey: string): KeyObject {
  const known = cache.get(publicKey);
  if (known !== undefined) return known;
  const parsed = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  if (cache.size >= cacheMax) cache.delete(cache.keys().next().value as string);
  cache.set(publicKey, parsed);
  return parsed;
}
