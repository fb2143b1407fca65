import { createCipheriv, randomBytes } from 'node:crypto';
import { kwpIv } from '../pkcs8.ts';

/** AES-KWP in memory under a fresh key, for a C_UnwrapKey that follows at once. The caller wipes the key. */
export function softwareTransport(secret: Uint8Array): { key: Buffer; wrapped: Buffer } {
  const key = randomBytes(32);
  const cipher = createCipheriv('id-aes256-wrap-pad', key, kwpIv);
  return { key, wrapped: Buffer.concat([cipher.update(secret), cipher.final()]) };
}
