/** Signing keys of SigV4, derived from the secret by four HMACs and kept for the next request of the same day, Region and service. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

export interface SigningScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

const hmac = (key: Uint8Array | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** As a KeyObject: an HMAC with it costs a quarter of one with bytes. */
export function deriveSigningKey(secret: string, scope: SigningScope): KeyObject {
  return createSecretKey(hmac(hmac(hmac(hmac(`AWS4${secret}`, scope.date), scope.region), scope.service), 'aws4_request'));
}

export interface SigningKeys {
  get(accessKeyId: string, secret: string, scope: SigningScope): KeyObject;
  /** Call it only after a signature was found right, so that nobody without a secret can fill the cache. */
  keep(accessKeyId: string, secret: string, scope: SigningScope, key: KeyObject): void;
}

/** Bounded: the least recently used entry goes first. A changed secret is a miss. */
export function createSigningKeys(entriesMax = 1000): SigningKeys {
  const entries = new Map<string, { secret: string; key: KeyObject }>();
  const nameOf = (accessKeyId: string, scope: SigningScope): string => `${accessKeyId}/${scope.date}/${scope.region}/${scope.service}`;
  return {
    get(accessKeyId, secret, scope) {
      const name = nameOf(accessKeyId, scope);
      const entry = entries.get(name);
      if (entry === undefined || entry.secret !== secret) return deriveSigningKey(secret, scope);
      entries.delete(name);
      entries.set(name, entry);
      return entry.key;
    },
    keep(accessKeyId, secret, scope, key) {
      const name = nameOf(accessKeyId, scope);
      if (entries.get(name)?.key === key) return;
      entries.delete(name);
      entries.set(name, { secret, key });
      if (entries.size > entriesMax) entries.delete(entries.keys().next().value!);
    },
  };
}
