/** HMAC-SHA-256 over a page position and where it belongs, as base64url text. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Base64url of 32 bytes, without padding. */
export const positionMacLength = 43;
/** The last character carries four bits: any other spelling of the same bytes is refused. */
const canonical = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** @param place every part that the position must not be carried away from */
export const positionMac = (key: Uint8Array, place: readonly string[], position: string): string =>
  createHmac('sha256', key)
    .update(JSON.stringify([...place, position]), 'utf8')
    .digest('base64url');

/** In constant time. */
export function positionMacFits(key: Uint8Array, place: readonly string[], position: string, mac: string): boolean {
  return canonical.test(mac) && timingSafeEqual(Buffer.from(mac, 'base64url'), Buffer.from(positionMac(key, place, position), 'base64url'));
}
