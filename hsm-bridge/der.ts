/** The little DER that public keys and ECDSA signatures need. X.690; RFC 5480; RFC 8017 A.1. */

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, Buffer.concat(parts));

/** @param magnitude unsigned, big-endian. */
export function unsignedInteger(magnitude: Uint8Array): Buffer {
  let at = 0;
  while (at < magnitude.length - 1 && magnitude[at] === 0) at++;
  const body = magnitude.subarray(at);
  return tlv(0x02, (body[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), body]) : body);
}

/** SubjectPublicKeyInfo of an EC key. @param ecPoint CKA_EC_POINT: the point, DER-wrapped in an OCTET STRING. */
export const ecPublicKeyInfo = (curveOidDer: string, ecPoint: Uint8Array): Buffer => ecPointInfo(curveOidDer, octets(ecPoint));

/** The same of a bare point, whatever it is: compressed ones too. */
export function ecPointInfo(curveOidDer: string, point: Uint8Array): Buffer {
  const ecPublicKey = Buffer.from('06072a8648ce3d0201', 'hex');
  return sequence(sequence(ecPublicKey, Buffer.from(curveOidDer, 'hex')), bitString(point));
}

export function rsaPublicKeyInfo(modulus: Uint8Array, publicExponent: Uint8Array): Buffer {
  const rsaEncryption = Buffer.from('06092a864886f70d0101010500', 'hex');
  return sequence(sequence(rsaEncryption), bitString(sequence(unsignedInteger(modulus), unsignedInteger(publicExponent))));
}

/** PKCS #11 gives r‖s of equal width; everyone else takes ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
export function ecdsaSignature(rs: Uint8Array): Buffer {
  const half = rs.length / 2;
  return sequence(unsignedInteger(rs.subarray(0, half)), unsignedInteger(rs.subarray(half)));
}

/** The reverse, strict. @returns r‖s, or undefined when it is not DER of two integers that fit. */
export function parseEcdsaSignature(der: Uint8Array, halfBytes: number): Buffer | undefined {
  const long = der[1] === 0x81;
  const bodyAt = long ? 3 : 2;
  if (der[0] !== 0x30 || (long ? der[2]! < 0x80 : der[1]! >= 0x80) || der[bodyAt - 1] !== der.length - bodyAt) return undefined;
  const rs = Buffer.alloc(2 * halfBytes);
  let at = bodyAt;
  for (const end of [halfBytes, 2 * halfBytes]) {
    const length = der[at + 1];
    if (der[at] !== 0x02 || length === undefined || length === 0 || at + 2 + length > der.length) return undefined;
    const value = der.subarray(at + 2, at + 2 + length);
    if (value[0]! & 0x80 || (length > 1 && value[0] === 0 && !(value[1]! & 0x80))) return undefined;
    const magnitude = value[0] === 0 ? value.subarray(1) : value;
    if (magnitude.length > halfBytes) return undefined;
    rs.set(magnitude, end - magnitude.length);
    at += 2 + length;
  }
  return at === der.length ? rs : undefined;
}

/** DigestInfo of RFC 8017 section 9.2: what RSASSA-PKCS1-v1_5 pads. */
export function digestInfo(hash: 'sha256' | 'sha384' | 'sha512', digest: Uint8Array): Buffer {
  const last = { sha256: '01', sha384: '02', sha512: '03' }[hash];
  return sequence(sequence(Buffer.from(`06096086480165030402${last}`, 'hex'), Buffer.from('0500', 'hex')), octetString(digest));
}

export const octetString = (body: Uint8Array): Buffer => tlv(0x04, body);

const bitString = (body: Uint8Array): Buffer => tlv(0x03, Buffer.concat([Buffer.of(0), body]));

function tlv(tag: number, body: Uint8Array): Buffer {
  const { length } = body;
  const header = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), body]);
}

/** An uncompressed point on a curve of 256, 384 or 521 bits. SEC 1 section 2.3.3. */
const pointBytes: ReadonlySet<number> = new Set([65, 97, 133]);

/**
 * The point in an OCTET STRING. A bare point is refused: its first byte is 04 too, and where the second happens to fit as a length, what would be left is as wide as
 * no point of these curves.
 */
function octets(value: Uint8Array): Uint8Array {
  const headerBytes = value[1] === 0x81 ? 3 : 2;
  const length = value[1] === 0x81 ? value[2] : value[1];
  const point = value.subarray(headerBytes);
  if (value[0] !== 0x04 || length !== point.length || !pointBytes.has(length) || point[0] !== 0x04) throw new Error('CKA_EC_POINT is not a point in an OCTET STRING');
  return point;
}
