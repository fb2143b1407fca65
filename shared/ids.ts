/** Identifiers. node:crypto's random values name things; they are never key material. */
import { randomBytes, randomUUID } from 'node:crypto';

export const newUuid = (): string => randomUUID();

/** `mrk-` and 32 hexadecimal digits: the id that all replicas of a multi-Region key share. */
export const newMultiRegionKeyId = (): string => `mrk-${randomUUID().replaceAll('-', '')}`;

/** `cks-` and 17 hexadecimal digits, as AWS KMS names custom key stores. */
export const newKeyStoreId = (): string => `cks-${randomUUID().replaceAll('-', '').slice(0, 17)}`;

/** RFC 9562 UUIDv7: sorts by time. */
export function newEventId(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** 64 hexadecimal digits, as AWS KMS names grants. */
export const newGrantId = (): string => randomBytes(32).toString('hex');
