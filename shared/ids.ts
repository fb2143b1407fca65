/** Identifiers. node:crypto's random values name things; they are never key material. */
import { randomBytes, randomUUID } from 'node:crypto';

export const newUuid = (): string => randomUUID();

/** `mrk-` and 32 hexadecimal digits: the id that all replicas of a multi-Region key share. */
export const newMultiRegionKeyId = (): string => `mrk-${randomUUID().replaceAll('-', '')}`;

/** `cks-` and 17 hexadecimal digits, as AWS KMS names custom key stores. */
export const newKeyStoreId = (): string => `cks-${randomUUID().replaceAll('-', '').slice(0, 17)}`;

/** RFC 9562 UUIDv7: sorts by time. Its random bits and its variant are where a UUIDv4 has them, and Node draws the randomness of those in stock. */
export function newEventId(nowMs: number): string {
  const time = Math.trunc(nowMs).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** 64 hexadecimal digits, as AWS KMS names grants. */
export const newGrantId = (): string => randomBytes(32).toString('hex');
