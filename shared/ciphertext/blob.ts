/**
 * Ciphertext blobs of symmetric keys, format 1, big endian:
 *
 *   01 | algorithm (01: AES-256-GCM, 12-byte IV, 16-byte tag; +80 for a multi-Region key id) | key id (16) | key version (u32) | IV (12) | ciphertext | tag (16)
 *
 * The first 22 bytes are the header. It is authenticated, and so is the encryption context, as additional data:
 *
 *   "CHATELAINE-CT\x01" | header | SHA-256(canonical context)
 *
 * Blobs of released versions must decrypt for ever: test/vectors/data/ciphertext holds them.
 */
import { hash } from 'node:crypto';
import type { SealedParts } from '#shared/ports/crypto.ts';

const format = 0x01;
const aesGcm = 0x01;
const multiRegionFlag = 0x80;
export const headerBytes = 22;
export const ivBytes = 12;
export const tagBytes = 16;
const domain = Buffer.from('CHATELAINE-CT\x01', 'latin1');

export interface CiphertextHeader {
  readonly keyId: string;
  readonly keyVersion: number;
}

export interface CiphertextBlob {
  readonly header: CiphertextHeader;
  readonly headerBytes: Uint8Array;
  readonly parts: SealedParts;
}

export function encodeHeader(header: CiphertextHeader): Uint8Array {
  const bytes = Buffer.alloc(headerBytes);
  const isMultiRegion = header.keyId.startsWith('mrk-');
  bytes[0] = format;
  bytes[1] = isMultiRegion ? aesGcm | multiRegionFlag : aesGcm;
  bytes.write(header.keyId.replace('mrk-', '').replaceAll('-', ''), 2, 'hex');
  bytes.writeUInt32BE(header.keyVersion, 18);
  return bytes;
}

export function encodeBlob(header: Uint8Array, parts: SealedParts): Uint8Array {
  return Buffer.concat([header, parts.iv, parts.ciphertext]);
}

/** Undefined for everything that is not a whole blob of a known format. */
export function decodeBlob(blob: Uint8Array): CiphertextBlob | undefined {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  // At least one byte of ciphertext: an empty plaintext cannot be encrypted.
  if (bytes.length < headerBytes + ivBytes + tagBytes + 1 || bytes[0] !== format) return undefined;
  const isMultiRegion = bytes[1] === (aesGcm | multiRegionFlag);
  if (!isMultiRegion && bytes[1] !== aesGcm) return undefined;
  const keyVersion = bytes.readUInt32BE(18);
  if (keyVersion === 0) return undefined;
  const hex = bytes.toString('hex', 2, 18);
  const keyId = isMultiRegion ? `mrk-${hex}` : `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return {
    header: { keyId, keyVersion },
    headerBytes: bytes.subarray(0, headerBytes),
    parts: { iv: bytes.subarray(headerBytes, headerBytes + ivBytes), ciphertext: bytes.subarray(headerBytes + ivBytes) },
  };
}

export type EncryptionContext = Readonly<Record<string, string>>;

/** u32 count, then each pair sorted by the UTF-8 bytes of its key; every string behind its u32 length. Injective; an absent context is an empty one. */
export function canonicalContext(context: EncryptionContext | undefined): Uint8Array {
  const pairs = Object.entries(context ?? {}).map(([key, value]) => [Buffer.from(key, 'utf8'), Buffer.from(value, 'utf8')] as const);
  pairs.sort(([a], [b]) => Buffer.compare(a, b));
  return Buffer.concat([u32(pairs.length), ...pairs.flatMap(([key, value]) => [u32(key.length), key, u32(value.length), value])]);
}

const emptyContextDigest = hash('sha256', canonicalContext(undefined), 'buffer');

export function additionalData(header: Uint8Array, context: EncryptionContext | undefined): Uint8Array {
  const digest = context === undefined ? emptyContextDigest : hash('sha256', canonicalContext(context), 'buffer');
  return Buffer.concat([domain, header, digest]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
