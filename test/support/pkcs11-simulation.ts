/** The cryptography behind the rule recorder. Private-key operations on bare digests, which node:crypto does not offer, are spelled out. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  randomBytes,
} from 'node:crypto';
import pkcs11, { type Mechanism } from 'pkcs11js';
import { ecPublicKeyInfo, octetString, rsaPublicKeyInfo } from '#bridge/der.ts';
import { rsaPair } from './rsa-pairs.ts';

export type SimulatedKey = KeyObject;

const kwpIv = Buffer.from('a65959a6', 'hex');
const curves: Readonly<Record<string, { name: string; order: bigint }>> = {
  '06082a8648ce3d030107': { name: 'prime256v1', order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n },
  '06052b81040022': { name: 'secp384r1', order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n },
  '06052b81040023': {
    name: 'secp521r1',
    order: (1n << 521n) - 657877501894328237357444332315020117536923257219387276263472201219398408051703n,
  },
  '06052b8104000a': { name: 'secp256k1', order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n },
};
const pssHashes: Readonly<Record<number, string>> = { [pkcs11.CKM_SHA256]: 'sha256', [pkcs11.CKM_SHA384]: 'sha384', [pkcs11.CKM_SHA512]: 'sha512', [pkcs11.CKM_SHA_1]: 'sha1' };
const hmacHashes: Readonly<Record<number, string>> = {
  [pkcs11.CKM_SHA224_HMAC]: 'sha224',
  [pkcs11.CKM_SHA256_HMAC]: 'sha256',
  [pkcs11.CKM_SHA384_HMAC]: 'sha384',
  [pkcs11.CKM_SHA512_HMAC]: 'sha512',
};
/** Signatures made here: what C_Verify accepts. */
const made = new Set<string>();

const secret = (length: number): SimulatedKey => createSecretKey(randomBytes(length));

function pair(kind: string | number): { publicKey: SimulatedKey; privateKey: SimulatedKey } {
  if (typeof kind === 'number') return rsaPair(kind);
  return generateKeyPairSync('ec', { namedCurve: curves[kind]!.name });
}

function fromAttributes(attributes: ReadonlyMap<number, unknown>): SimulatedKey {
  const bytes = (type: number) => attributes.get(type) as Buffer;
  const isEc = attributes.get(pkcs11.CKA_KEY_TYPE) === pkcs11.CKK_EC;
  const info = isEc
    ? ecPublicKeyInfo(bytes(pkcs11.CKA_EC_PARAMS).toString('hex'), bytes(pkcs11.CKA_EC_POINT))
    : rsaPublicKeyInfo(bytes(pkcs11.CKA_MODULUS), bytes(pkcs11.CKA_PUBLIC_EXPONENT));
  return createPublicKey({ key: info, format: 'der', type: 'spki' });
}

function publicAttribute(key: SimulatedKey, type: number): Buffer | undefined {
  if (key.type === 'secret') return type === pkcs11.CKA_VALUE_LEN ? ulong(key.symmetricKeySize!) : undefined;
  // Private EC objects do not tell their point.
  if (key.type === 'private' && type === pkcs11.CKA_EC_POINT) return undefined;
  const { x = '', y = '', n, e } = publicHalf(key).export({ format: 'jwk' });
  if (type === pkcs11.CKA_EC_POINT) return octetString(Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]));
  if (type === pkcs11.CKA_MODULUS && n !== undefined) return Buffer.from(n, 'base64url');
  if (type === pkcs11.CKA_PUBLIC_EXPONENT && e !== undefined) return Buffer.from(e, 'base64url');
  return undefined;
}

const publicHalf = (key: SimulatedKey): SimulatedKey => (key.type === 'private' ? createPublicKey(key) : key);

function ulong(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

const plainBytes = (key: SimulatedKey): Buffer => (key.type === 'secret' ? key.export() : key.export({ format: 'der', type: 'pkcs8' }));

function wrap(kek: SimulatedKey, key: SimulatedKey): Buffer {
  const cipher = createCipheriv('id-aes256-wrap-pad', kek, kwpIv);
  return Buffer.concat([cipher.update(plainBytes(key)), cipher.final()]);
}

function unwrap(kek: SimulatedKey, wrapped: Buffer, isPrivate: boolean): SimulatedKey | undefined {
  try {
    const cipher = createDecipheriv('id-aes256-wrap-pad', kek, kwpIv);
    const plain = Buffer.concat([cipher.update(wrapped), cipher.final()]);
    return isPrivate ? createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }) : createSecretKey(plain);
  } catch {
    return undefined;
  }
}

/** IV ‖ ciphertext ‖ tag. */
function gcmEncrypt(key: SimulatedKey, parameter: unknown, plaintext: Buffer): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD((parameter as { aad: Buffer }).aad);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function gcmDecrypt(key: SimulatedKey, parameter: unknown, sealed: Buffer): Buffer | undefined {
  try {
    const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 }).setAAD((parameter as { aad: Buffer }).aad);
    cipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()]);
  } catch {
    return undefined;
  }
}

function oaepDecrypt(key: SimulatedKey, parameter: unknown, ciphertext: Buffer): Buffer | undefined {
  const oaepHash = pssHashes[(parameter as { hashAlg: number }).hashAlg]!;
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, ciphertext);
  } catch {
    return undefined;
  }
}

function oaepUnwrap(key: SimulatedKey, parameter: unknown, wrapped: Buffer): SimulatedKey | undefined {
  const plain = oaepDecrypt(key, parameter, wrapped);
  return plain === undefined ? undefined : createSecretKey(plain);
}

function sign(key: SimulatedKey, { mechanism, parameter }: Mechanism, input: Buffer): Buffer {
  const hash = hmacHashes[mechanism];
  if (hash !== undefined) return createHmac(hash, key).update(input).digest();
  const signature = mechanism === pkcs11.CKM_ECDSA ? signEcdsa(key, input) : signRsa(key, mechanism, parameter, input);
  made.add(record(createPublicKey(key), input, signature));
  return signature;
}

const verify = (key: SimulatedKey, _mechanism: Mechanism, input: Buffer, signature: Buffer): boolean => made.has(record(key, input, signature));

const record = (key: SimulatedKey, input: Buffer, signature: Buffer): string =>
  [key.export({ format: 'der', type: 'spki' }), input, signature].map((part) => part.toString('hex')).join(' ');

function signRsa(key: SimulatedKey, mechanism: number, parameter: unknown, input: Buffer): Buffer {
  if (mechanism === pkcs11.CKM_RSA_PKCS) return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, input);
  const { hashAlg, saltLen } = parameter as { hashAlg: number; saltLen: number };
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encodePss(pssHashes[hashAlg]!, saltLen, input, key.asymmetricKeyDetails!.modulusLength! / 8));
}

/** EMSA-PSS of RFC 8017 section 9.1.1. */
function encodePss(hash: string, saltLength: number, digest: Buffer, length: number): Buffer {
  const salt = randomBytes(saltLength);
  const h = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const block = Buffer.concat([Buffer.alloc(length - saltLength - h.length - 2), Buffer.of(1), salt]);
  for (let counter = 0, at = 0; at < block.length; counter++) {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(counter);
    for (const byte of createHash(hash).update(h).update(index).digest()) if (at < block.length) block[at] = block[at++]! ^ byte;
  }
  block[0]! &= 0x7f;
  return Buffer.concat([block, h, Buffer.of(0xbc)]);
}

/** FIPS 186-5 section 6.4.1, r‖s. */
function signEcdsa(key: SimulatedKey, digest: Buffer): Buffer {
  const { name, order } = Object.values(curves).find((curve) => curve.name === key.asymmetricKeyDetails?.namedCurve)!;
  const width = Math.ceil(order.toString(2).length / 8);
  const ephemeral = createECDH(name);
  ephemeral.generateKeys();
  const big = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
  const excess = Math.max(0, digest.length * 8 - order.toString(2).length);
  const z = big(digest) >> BigInt(excess);
  const d = big(Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url'));
  const r = big(ephemeral.getPublicKey().subarray(1, 1 + (ephemeral.getPublicKey().length - 1) / 2)) % order;
  const s = (power(big(ephemeral.getPrivateKey()), order - 2n, order) * (z + r * d)) % order;
  return Buffer.concat([r, s].map((value) => Buffer.from(value.toString(16).padStart(2 * width, '0'), 'hex')));
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus) if (e & 1n) result = (result * b) % modulus;
  return result;
}

export const simulation = { secret, pair, fromAttributes, publicAttribute, wrap, unwrap, gcmEncrypt, gcmDecrypt, oaepDecrypt, oaepUnwrap, sign, verify };
