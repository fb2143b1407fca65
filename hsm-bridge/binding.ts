/**
 * What the MAC key of an epoch authenticates. Every field has a fixed width or a length prefix, so that no two different inputs encode to the
 * same bytes. Enumerations are written as their names: a reordered table cannot change the meaning of a stored tag.
 */
import { createHash } from 'node:crypto';
import type { KeyMaterial } from '#shared/keys/material.ts';

const materialPrefix = Buffer.from('CHATELAINE-KEY\x01', 'latin1');
const seedPrefix = Buffer.from('CHATELAINE-SEED\x01', 'latin1');
const rowPrefix = Buffer.from('CHATELAINE-ROW\x01', 'latin1');
const importTokenPrefix = Buffer.from('CHATELAINE-IMPORT-TOKEN\x01', 'latin1');
const fingerprintPrefix = Buffer.from('CHATELAINE-MATERIAL-ID\x01', 'latin1');
const derivationPrefix = Buffer.from('CHATELAINE-DERIVE\x01', 'latin1');
const none = Buffer.alloc(0);

export type UnsealedMaterial = Omit<KeyMaterial, 'tag'>;

/** What the tag covers of a row besides the wrapped bytes. */
export type MaterialMetadata = Omit<UnsealedMaterial, 'wrapped'>;

/** @param domain the deployment's name in its HSM; it keeps two deployments on one HSM apart. */
export function encodeMaterialBinding(domain: string, material: UnsealedMaterial): Buffer {
  return Buffer.concat([materialPrefix, ...metadata(domain, material), prefixed(Buffer.from(material.wrapped, 'base64'))]);
}

/** Additional data of a sealed seed: under AES-GCM, it opens only in the row that it was made for. */
export const encodeSeedContext = (domain: string, material: MaterialMetadata): Buffer => Buffer.concat([seedPrefix, ...metadata(domain, material)]);

function metadata(domain: string, material: MaterialMetadata): Buffer[] {
  const publicKeyDigest = material.publicKey === undefined ? none : createHash('sha256').update(Buffer.from(material.publicKey, 'base64')).digest();
  return [
    uint32(material.format),
    text(domain),
    text(material.account),
    text(material.region),
    text(material.keyId),
    uint32(material.version),
    text(material.keySpec),
    text(material.keyUsage),
    text(material.origin),
    text(material.protection),
    uint32(material.epoch),
    text(material.wrapMechanism),
    uint64(material.createdAt),
    prefixed(publicKeyDigest),
  ];
}

/** @param digest SHA-256 of a row, by shared/repositories/seal.ts. @throws RangeError when it is not 32 bytes. */
export function encodeRowSeal(domain: string, digest: Uint8Array): Buffer {
  if (digest.length !== 32) throw new RangeError('a row digest has 32 bytes');
  return Buffer.concat([rowPrefix, text(domain), digest]);
}

/** @param payload of shared/keys/import-token.ts. */
export function encodeImportTokenSeal(domain: string, payload: Uint8Array): Buffer {
  return Buffer.concat([importTokenPrefix, text(domain), prefixed(payload)]);
}

/**
 * What identifies imported material under one key id. Replicas of a multi-Region key share the id, so the Region is left out.
 * @param identity the public key, or for secret keys the material under the epoch's KEK: AES-KWP is deterministic (RFC 5649).
 */
export function encodeFingerprint(domain: string, keyId: string, keySpec: string, identity: Uint8Array): Buffer {
  return Buffer.concat([fingerprintPrefix, text(domain), text(keyId), text(keySpec), prefixed(identity)]);
}

/** SP 800-108 in its simplest form: one block of HMAC over a label and a context that nothing else is encoded as. */
export function encodeKeyDerivation(domain: string, purpose: string): Buffer {
  return Buffer.concat([derivationPrefix, text(domain), text(purpose)]);
}

const text = (value: string): Buffer => prefixed(Buffer.from(value, 'utf8'));

const prefixed = (value: Uint8Array): Buffer => Buffer.concat([uint32(value.length), value]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
