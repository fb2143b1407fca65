/** What a certificate says of its own use (RFC 5280 section 4.2.1). node:crypto reads the rest of a certificate and none of this. */
import { AttestationFault } from './attestation-fault.ts';

export interface CertificateConstraints {
  readonly isAuthority: boolean;
  /** CA certificates that may follow, without the last one. */
  readonly pathLength: number | undefined;
  readonly mayDigitallySign: boolean;
  readonly maySignCertificates: boolean;
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

const tags = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30, version: 0xa0, extensions: 0xa3 };
const ecdsaWithSha384 = '06082a8648ce3d040303';
const basicConstraints = '551d13';
const keyUsage = '551d0f';
const malformed = (): AttestationFault => new AttestationFault('a certificate is malformed');

/** @param der one certificate and nothing after it. @throws AttestationFault also when it is not signed with ECDSA and SHA-384 */
export function readConstraints(der: Uint8Array): CertificateConstraints {
  const [tbs, algorithm, signature, ...more] = parts(only(Buffer.from(der), tags.sequence), [tags.sequence, tags.sequence, tags.bitString]);
  if (more.length > 0 || signature === undefined) throw malformed();
  const [version, , innerAlgorithm, , , , , ...optional] = elements(tbs!);
  // Three versions exist, and only the third has extensions.
  if (version?.tag !== tags.version || version.content.toString('hex') !== '020102') throw malformed();
  for (const one of [algorithm, innerAlgorithm?.content])
    if (one?.toString('hex') !== ecdsaWithSha384) throw new AttestationFault('a certificate is not signed with ECDSA and SHA-384');
  const extensions = optional.find(({ tag }) => tag === tags.extensions);
  if (extensions === undefined) throw malformed();
  return constraintsOf(readExtensions(only(extensions.content, tags.sequence)));
}

function readExtensions(list: Buffer): ReadonlyMap<string, Buffer> {
  const known = new Map<string, Buffer>();
  const seen = new Set<string>();
  for (const { tag, content } of elements(list)) {
    const [id, ...rest] = elements(content);
    const value = rest.at(-1);
    if (tag !== tags.sequence || id?.tag !== tags.oid || value?.tag !== tags.octetString || rest.length > 2) throw malformed();
    if (rest.length === 2 && (rest[0]!.tag !== tags.boolean || rest[0]!.content.toString('hex') !== 'ff')) throw malformed();
    const name = id.content.toString('hex');
    if (seen.has(name)) throw malformed();
    seen.add(name);
    if (name === basicConstraints || name === keyUsage) known.set(name, value.content);
    else if (rest.length === 2) throw new AttestationFault('a certificate has a critical extension that is not known here');
  }
  return known;
}

function constraintsOf(extensions: ReadonlyMap<string, Buffer>): CertificateConstraints {
  const basic = extensions.get(basicConstraints);
  const fields = basic === undefined ? [] : elements(only(basic, tags.sequence));
  const authority = fields[0]?.tag === tags.boolean ? fields.shift()!.content : undefined;
  if (authority !== undefined && authority.toString('hex') !== 'ff') throw malformed();
  const path = fields.shift();
  if (path !== undefined && (path.tag !== tags.integer || path.content.length !== 1 || path.content[0]! > 127)) throw malformed();
  if (fields.length > 0) throw malformed();
  const usage = extensions.get(keyUsage);
  const bits = usage === undefined ? undefined : only(usage, tags.bitString);
  if (bits !== undefined && (bits.length < 2 || bits[0]! > 7)) throw malformed();
  const first = bits?.[1] ?? 0;
  return { isAuthority: authority !== undefined, pathLength: path?.content[0], mayDigitallySign: (first & 0x80) !== 0, maySignCertificates: (first & 0x04) !== 0 };
}

function parts(content: Buffer, wanted: readonly number[]): readonly Buffer[] {
  const found = elements(content);
  if (found.length !== wanted.length || found.some(({ tag }, at) => tag !== wanted[at])) throw malformed();
  return found.map((element) => element.content);
}

/** The content of the one element that `bytes` is. */
function only(bytes: Buffer, tag: number): Buffer {
  const found = elements(bytes);
  if (found.length !== 1 || found[0]!.tag !== tag) throw malformed();
  return found[0]!.content;
}

/** DER (X.690 section 10.1): definite lengths in their shortest form, here below 65,536. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    const first = bytes[at + 1];
    const width = first === 0x81 ? 1 : first === 0x82 ? 2 : 0;
    if (first === undefined || (first > 127 && width === 0) || (tag & 31) === 31 || at + 2 + width > bytes.length) throw malformed();
    const length = width === 0 ? first : bytes.readUIntBE(at + 2, width);
    if (width > 0 && length < (width === 1 ? 128 : 256)) throw malformed();
    const start = at + 2 + width;
    at = start + length;
    if (at > bytes.length) throw malformed();
    found.push({ tag, content: bytes.subarray(start, at) });
  }
  return found;
}
