/**
 * Keys that are expanded from a seed in this process: Ed25519 (RFC 8032), ML-DSA (FIPS 204), ML-KEM (FIPS 203). Pure functions; the caller wipes the
 * seed. node:crypto does the work. Two things it does not offer, Ed25519ph and ML-DSA on an external mu, are done by the noble libraries (docs/adr/0020).
 */
import { createPrivateKey, createPublicKey, decapsulate, encapsulate, type KeyObject, randomBytes, sign, timingSafeEqual, verify } from 'node:crypto';
import { describeSeedSpec, type KeySpec, type SeedSpec } from '#shared/algorithms/key-specs.ts';
import type { MessageType, SeedSigning } from '#shared/algorithms/signing.ts';
import { loadEd25519ph, loadMlDsa } from './noble.ts';
import { publicKeyOf } from './public-keys.ts';

type ParameterSet = ReturnType<typeof loadMlDsa>['ml_dsa44'];
const mlDsa: Readonly<Partial<Record<SeedSpec['nodeType'], keyof ReturnType<typeof loadMlDsa>>>> = {
  'ml-dsa-44': 'ml_dsa44',
  'ml-dsa-65': 'ml_dsa65',
  'ml-dsa-87': 'ml_dsa87',
};

/** PKCS #8 that holds the seed and nothing expanded from it (RFC 8410, 9881, 9935). The caller wipes it. Precondition: the seed has the spec's length. */
export function seedPkcs8(spec: KeySpec, seed: Uint8Array): Buffer {
  const { algorithmDer, seedPrefixDer, seedBytes } = describeSeedSpec(spec);
  if (seed.length !== seedBytes) throw new Error(`a seed of ${spec} has ${seedBytes} bytes`);
  const algorithm = Buffer.from(algorithmDer, 'hex');
  const prefix = Buffer.from(seedPrefixDer, 'hex');
  const innerBytes = prefix.length + seedBytes;
  // PKCS #8 (RFC 5958): every length here is below 128.
  const head = Buffer.concat([Buffer.of(0x30, 3 + algorithm.length + 2 + innerBytes, 0x02, 0x01, 0x00), algorithm, Buffer.of(0x04, innerBytes), prefix]);
  const pkcs8 = Buffer.alloc(head.length + seedBytes);
  pkcs8.set(head);
  pkcs8.set(seed, head.length);
  return pkcs8;
}

/**
 * The seed of an imported private key, as a view into it: a structure that holds the seed alone, or the seed beside the private key that it expands to,
 * as OpenSSL writes it (RFC 9881 section 6, RFC 9935 section 6). Undefined for every other byte.
 */
export function seedOfPkcs8(spec: KeySpec, pkcs8: Buffer): Buffer | undefined {
  const { algorithmDer, seedBytes } = describeSeedSpec(spec);
  // In front of the seed: version and algorithm, and tags and lengths, which have three bytes each around an expanded key.
  const beforeBoth = 3 * 4 + 3 + algorithmDer.length / 2 + 2;
  const alone = pkcs8.subarray(Math.max(pkcs8.length - seedBytes, 0));
  const besideExpanded = pkcs8.subarray(beforeBoth, beforeBoth + seedBytes);
  if (isEncoding(pkcs8, alone, seedBytes, (seed) => seedPkcs8(spec, seed))) return alone;
  const expand = (seed: Buffer) => seedPrivateKey(spec, seed).export({ format: 'der', type: 'pkcs8' });
  return isEncoding(pkcs8, besideExpanded, seedBytes, expand) ? besideExpanded : undefined;
}

function isEncoding(pkcs8: Buffer, seed: Buffer, seedBytes: number, encode: (seed: Buffer) => Buffer): boolean {
  if (seed.length !== seedBytes) return false;
  const expected = encode(seed);
  try {
    return expected.length === pkcs8.length && timingSafeEqual(expected, pkcs8);
  } finally {
    expected.fill(0);
  }
}

/** Precondition: the seed has the spec's length. OpenSSL cleanses the key when the object is collected. */
export function seedPrivateKey(spec: KeySpec, seed: Uint8Array): KeyObject {
  const pkcs8 = seedPkcs8(spec, seed);
  try {
    return parsePrivateKey(pkcs8);
  } finally {
    pkcs8.fill(0);
  }
}

/**
 * The HSM's module may share OpenSSL's error queue with this thread (SoftHSM does). An old error in it, such as that of a padding which did not fit, makes
 * node:crypto refuse a good private key; the refusal clears the queue.
 * @param pkcs8 DER
 */
export function parsePrivateKey(pkcs8: Buffer): KeyObject {
  const options = { key: pkcs8, format: 'der', type: 'pkcs8' } as const;
  try {
    return createPrivateKey(options);
  } catch {
    return createPrivateKey(options);
  }
}

/** DER SubjectPublicKeyInfo. */
export const seedPublicKey = (spec: KeySpec, seed: Uint8Array): Buffer => createPublicKey(seedPrivateKey(spec, seed)).export({ format: 'der', type: 'spki' });

/** ML-DSA is hedged (FIPS 204 section 3.4). */
export function signWithSeed(spec: KeySpec, { scheme }: SeedSigning, messageType: MessageType, seed: Uint8Array, message: Uint8Array): Uint8Array {
  if (scheme === 'ED25519_PH') return loadEd25519ph().sign(message, seed);
  if (messageType !== 'EXTERNAL_MU') return sign(null, message, seedPrivateKey(spec, seed));
  const { secretKey } = parameterSet(spec).keygen(seed);
  const hedge = randomBytes(32);
  try {
    return parameterSet(spec).internal.sign(message, secretKey, { externalMu: true, extraEntropy: hedge });
  } finally {
    secretKey.fill(0);
    hedge.fill(0);
  }
}

/** @param publicKey base64 SubjectPublicKeyInfo */
export function verifyWithPublicKey(publicKey: string, spec: KeySpec, { scheme }: SeedSigning, messageType: MessageType, message: Uint8Array, signature: Uint8Array): boolean {
  if (scheme !== 'ED25519_PH' && messageType !== 'EXTERNAL_MU') return verify(null, message, publicKeyOf(publicKey), signature);
  const raw = rawPublicKey(publicKey);
  try {
    // Strict, as FIPS 186-5 and node:crypto are; not ZIP 215.
    if (scheme === 'ED25519_PH') return loadEd25519ph().verify(signature, message, raw, { zip215: false });
    return parameterSet(spec).internal.verify(signature, message, raw, { externalMu: true });
  } catch {
    // A signature of a wrong length.
    return false;
  }
}

/** The caller wipes both results. */
export function encapsulateTo(publicKey: string): { sharedKey: Buffer; ciphertext: Buffer } {
  return encapsulate(publicKeyOf(publicKey));
}

/** Precondition: the ciphertext has the spec's length. */
export const decapsulateWithSeed = (spec: KeySpec, seed: Uint8Array, ciphertext: Uint8Array): Buffer => decapsulate(seedPrivateKey(spec, seed), ciphertext);

function parameterSet(spec: KeySpec): ParameterSet {
  const name = mlDsa[describeSeedSpec(spec).nodeType];
  if (name === undefined) throw new Error(`${spec} is not ML-DSA`);
  return loadMlDsa()[name];
}

function rawPublicKey(publicKey: string): Buffer {
  const { x, pub } = publicKeyOf(publicKey).export({ format: 'jwk' }) as { x?: string; pub?: string };
  return Buffer.from(x ?? pub ?? '', 'base64url');
}
