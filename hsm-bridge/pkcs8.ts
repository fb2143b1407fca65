/** Strict reading of imported private keys (RFC 5958), and AES-KWP in software for the bridge's own memory. */
import { createDecipheriv, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { describeKeySpec, type KeySpec } from '#shared/algorithms/key-specs.ts';
import { aesWrappingKeyBytes } from '#shared/algorithms/wrapping.ts';

/** RFC 5649 section 3. */
export const kwpIv = Buffer.from('a65959a6', 'hex');
const rsaExponentMin = 2n ** 16n;
const rsaExponentMax = 2n ** 256n;

/** Undefined when the integrity check fails. The caller wipes the result. */
export function kwpUnwrap(key: Uint8Array, wrapped: Uint8Array): Buffer | undefined {
  // Two semiblocks at least. What is no multiple of them is refused before OpenSSL sees it.
  if (!aesWrappingKeyBytes.includes(key.length) || wrapped.length < 16 || wrapped.length % 8 !== 0) return undefined;
  const decipher = createDecipheriv(`id-aes${key.length * 8}-wrap-pad`, key, kwpIv);
  try {
    const head = decipher.update(wrapped);
    const whole = Buffer.concat([head, decipher.final()]);
    head.fill(0);
    return whole;
  } catch {
    return undefined;
  }
}

/**
 * Holds an imported private key to its key spec: one PKCS #8 structure and nothing behind it, the right algorithm and modulus size or named curve.
 * That private and public half belong together is shown by a signature, in the HSM.
 * @returns the SubjectPublicKeyInfo (DER), or undefined.
 */
export function publicKeyOfPkcs8(pkcs8: Uint8Array, spec: KeySpec): Buffer | undefined {
  if (!isOnePkcs8(pkcs8)) return undefined;
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.byteLength), format: 'der', type: 'pkcs8' });
    if (!isOfSpec(key, spec)) return undefined;
    return createPublicKey(key).export({ format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

function isOfSpec({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject, spec: KeySpec): boolean {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind === 'ec') return asymmetricKeyType === 'ec' && details?.namedCurve === descriptor.curve;
  if (descriptor.kind !== 'rsa' || asymmetricKeyType !== 'rsa' || details?.modulusLength !== descriptor.modulusBits) return false;
  // FIPS 186-5 appendix A.1.1.
  const exponent = details.publicExponent ?? 0n;
  return exponent > rsaExponentMin && exponent < rsaExponentMax && exponent % 2n === 1n;
}

/** SEQUENCE { version INTEGER, algorithm SEQUENCE, privateKey OCTET STRING { one SEQUENCE }, … } and not a byte more. */
function isOnePkcs8(der: Uint8Array): boolean {
  const outer = element(der, 0, der.length);
  if (outer?.tag !== 0x30 || outer.end !== der.length) return false;
  const version = element(der, outer.body, outer.end);
  if (version?.tag !== 0x02) return false;
  const algorithm = element(der, version.end, outer.end);
  if (algorithm?.tag !== 0x30) return false;
  const privateKey = element(der, algorithm.end, outer.end);
  if (privateKey?.tag !== 0x04) return false;
  const inner = element(der, privateKey.body, privateKey.end);
  if (inner?.tag !== 0x30 || inner.end !== privateKey.end) return false;
  // Attributes [0] and publicKey [1].
  for (let at = privateKey.end; at < outer.end; ) {
    const extra = element(der, at, outer.end);
    if (extra === undefined || ![0xa0, 0x81].includes(extra.tag)) return false;
    at = extra.end;
  }
  return true;
}

/** One DER element with a definite, minimal length. */
function element(der: Uint8Array, at: number, limit: number): { tag: number; body: number; end: number } | undefined {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined || at + 2 > limit) return undefined;
  let body = at + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first - 0x80;
    if (count < 1 || count > 2 || body + count > limit) return undefined;
    length = count === 1 ? der[body]! : (der[body]! << 8) | der[body + 1]!;
    if (length < (count === 1 ? 0x80 : 0x100)) return undefined;
    body += count;
  }
  return body + length <= limit ? { tag, body, end: body + length } : undefined;
}
