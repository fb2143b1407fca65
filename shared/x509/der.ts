/** The part of DER (ITU-T X.690) that certificates and signing requests of RSA keys need: a writer, and a reader that refuses what is not there in full. */

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag and length included. */
  readonly whole: Buffer;
}

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(derTag.sequence, ...parts);

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(derTag.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** A positive integer: a leading zero keeps the sign off the first bit, and superfluous zeros go. */
export function integer(bytes: Uint8Array): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0);
  const digits = from === -1 ? Buffer.from([0]) : Buffer.from(bytes.subarray(from));
  return der(derTag.integer, (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

export const bitString = (bytes: Uint8Array, unusedBits = 0): Buffer => der(derTag.bitString, Buffer.from([unusedBits]), bytes);

/** RFC 5280 section 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on, both in whole seconds. */
export function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return digits < '2050' ? der(derTag.utcTime, Buffer.from(digits.slice(2))) : der(derTag.generalizedTime, Buffer.from(digits));
}

/** @throws Error when the bytes are not exactly one element */
export function readDer(bytes: Uint8Array): DerElement {
  const [element, ...more] = readAll(bytes);
  if (element === undefined || more.length > 0) throw new Error('These bytes are not one DER element.');
  return element;
}

/** @throws Error when the element is another one */
export function childrenOf(element: DerElement, tag: number = derTag.sequence): readonly DerElement[] {
  if (element.tag !== tag) throw new Error(`A DER element has tag ${element.tag} where ${tag} belongs.`);
  return readAll(element.content);
}

function readAll(bytes: Uint8Array): DerElement[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: DerElement[] = [];
  for (let at = 0; at < buffer.length; ) {
    const { header, length } = readHeader(buffer, at);
    const end = at + header + length;
    if (end > buffer.length) throw new Error('A DER element ends before its length.');
    elements.push({ tag: buffer[at] as number, content: buffer.subarray(at + header, end), whole: buffer.subarray(at, end) });
    at = end;
  }
  return elements;
}

function readHeader(buffer: Buffer, at: number): { readonly header: number; readonly length: number } {
  const first = buffer[at + 1];
  if (first === undefined) throw new Error('A DER element has no length.');
  if (first < 0x80) return { header: 2, length: first };
  const digits = first & 0x7f;
  // No certificate is longer than four digits of length say, and the indefinite form (no digits) is not DER.
  if (digits === 0 || digits > 4 || at + 2 + digits > buffer.length) throw new Error('A DER element has an unusable length.');
  return { header: 2 + digits, length: buffer.readUIntBE(at + 2, digits) };
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const digits = Buffer.alloc(4);
  digits.writeUInt32BE(length);
  const from = digits.findIndex((byte) => byte !== 0);
  return Buffer.concat([Buffer.from([0x80 | (4 - from)]), digits.subarray(from)]);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}
