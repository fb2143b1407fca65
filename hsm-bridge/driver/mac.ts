import pkcs11 from 'pkcs11js';
import type { MacAlgorithm } from '#shared/algorithms/key-specs.ts';
import { macDescriptors } from '#shared/algorithms/mac.ts';
import type { Handle } from './module.ts';
import { type Sessions, withDomainKey } from './sessions.ts';

const mechanisms = {
  sha224: pkcs11.CKM_SHA224_HMAC,
  sha256: pkcs11.CKM_SHA256_HMAC,
  sha384: pkcs11.CKM_SHA384_HMAC,
  sha512: pkcs11.CKM_SHA512_HMAC,
} as const;

export function hmac(sessions: Sessions, key: Handle, algorithm: MacAlgorithm, message: Buffer): Buffer {
  const { hash, macBytes } = macDescriptors[algorithm];
  const { module } = sessions;
  return sessions.operate('other', (session) => {
    module.C_SignInit(session, { mechanism: mechanisms[hash] }, key);
    return module.C_Sign(session, message, sessions.arena.take(macBytes));
  });
}

/** HMAC-SHA-256 with a domain key. */
export const domainHmac = (sessions: Sessions, key: Handle, message: Buffer): Buffer => withDomainKey(() => hmac(sessions, key, 'HMAC_SHA_256', message));
