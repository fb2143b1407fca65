/**
 * An attestation document inside its COSE_Sign1, with the bounds of the AWS Nitro Enclaves User Guide ("Verifying the root of trust": attestation document
 * specification and syntactical validation). Nothing is trusted yet: the chain and the signature come after.
 */
import { AttestationFault } from './attestation-fault.ts';
import { CborReader } from './cbor-reader.ts';

export interface SignedDocument {
  readonly moduleId: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  /** Of the key that signed. DER. */
  readonly certificate: Uint8Array;
  /** From the root to the issuer of `certificate`. DER. */
  readonly bundle: readonly Uint8Array[];
  readonly publicKey: Uint8Array | undefined;
  /** What the signature is over, and the signature (r and s, RFC 9053 section 2.1). */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** {1: -35}: the algorithm is ES384, and there is no other header. */
const protectedHeader = Uint8Array.of(0xa1, 0x01, 0x38, 0x22);
const coseSign1Tag = 0xd2;
const cborNull = 0xf6;
const payloadBytesMax = 16_384;
const certificateBytesMax = 1024;
/** AWS bundles have four. */
const bundleMax = 8;

/** @throws AttestationFault */
export function readSignedDocument(bytes: Uint8Array): SignedDocument {
  const cose = new CborReader(bytes);
  // With the tag or without: RFC 9052 section 2 knows both, and the Nitro Security Module leaves it out.
  cose.skip(coseSign1Tag);
  cose.array('COSE_Sign1', 4, 4);
  const header = cose.bytes('the protected header', protectedHeader.length, protectedHeader.length);
  if (!Buffer.from(header).equals(protectedHeader)) throw new AttestationFault('the signature is not ES384');
  cose.map('the unprotected header', 0, 0);
  const payload = cose.bytes('the payload', 1, payloadBytesMax);
  const signature = cose.bytes('the signature', 96, 96);
  cose.end('COSE_Sign1');
  return { ...readPayload(payload), signed: sigStructure(payload), signature };
}

/** RFC 9052 section 4.4: ["Signature1", protected, external_aad, payload], here without external data. */
function sigStructure(payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const head = length < 24 ? [0x40 | length] : length < 256 ? [0x58, length] : [0x59, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([0x84, 0x6a]), Buffer.from('Signature1'), Buffer.from([0x44]), protectedHeader, Buffer.from([0x40, ...head]), payload]);
}

interface Fields {
  module_id?: string;
  digest?: string;
  timestamp?: number;
  pcrs?: Map<number, Uint8Array>;
  certificate?: Uint8Array;
  cabundle?: Uint8Array[];
  public_key?: Uint8Array | undefined;
  user_data?: Uint8Array | undefined;
  nonce?: Uint8Array | undefined;
}

/** An optional field that was not asked for is null in real documents, where the guide would have it absent. */
const optional = (reader: CborReader, what: string, min: number, max: number): Uint8Array | undefined => (reader.skip(cborNull) ? undefined : reader.bytes(what, min, max));

const readers: { readonly [Name in keyof Fields]-?: (reader: CborReader) => Fields[Name] } = {
  module_id: (reader) => reader.text('module_id', 1, 256),
  digest: (reader) => reader.text('digest', 1, 16),
  timestamp: (reader) => reader.unsigned('timestamp'),
  pcrs: readPcrs,
  certificate: (reader) => reader.bytes('certificate', 1, certificateBytesMax),
  cabundle: (reader) => Array.from({ length: reader.array('cabundle', 1, bundleMax) }, () => reader.bytes('an entry of cabundle', 1, certificateBytesMax)),
  public_key: (reader) => optional(reader, 'public_key', 1, 1024),
  user_data: (reader) => optional(reader, 'user_data', 0, 512),
  nonce: (reader) => optional(reader, 'nonce', 0, 512),
};
const names = Object.keys(readers) as (keyof Fields)[];

function readPayload(payload: Uint8Array): Omit<SignedDocument, 'signed' | 'signature'> {
  const reader = new CborReader(payload);
  const fields: Fields = {};
  for (let left = reader.map('the payload', 1, names.length); left > 0; left -= 1) {
    const given = reader.text('the name of a field', 1, 32);
    const name = names.find((known) => known === given);
    if (name === undefined) throw new AttestationFault('a field is not one of an attestation document');
    if (Object.hasOwn(fields, name)) throw new AttestationFault(`${name} is there twice`);
    Object.assign(fields, { [name]: readers[name](reader) });
  }
  reader.end('the payload');
  const { module_id: moduleId, digest, timestamp, pcrs, certificate, cabundle: bundle } = fields;
  if (moduleId === undefined || digest === undefined || timestamp === undefined || pcrs === undefined || certificate === undefined || bundle === undefined)
    throw new AttestationFault('a mandatory field is missing');
  if (digest !== 'SHA384') throw new AttestationFault('digest is not SHA384');
  if (timestamp === 0) throw new AttestationFault('timestamp is not greater than 0');
  return { moduleId, timestamp, pcrs, certificate, bundle, publicKey: fields.public_key };
}

const pcrLengths = [32, 48, 64];

function readPcrs(reader: CborReader): Map<number, Uint8Array> {
  const pcrs = new Map<number, Uint8Array>();
  for (let left = reader.map('pcrs', 1, 32); left > 0; left -= 1) {
    const index = reader.unsigned('the index of a PCR');
    if (index > 31) throw new AttestationFault('the index of a PCR is greater than 31');
    if (pcrs.has(index)) throw new AttestationFault('a PCR is there twice');
    const value = reader.bytes('a PCR', 32, 64);
    if (!pcrLengths.includes(value.length)) throw new AttestationFault('a PCR has not 32, 48 or 64 bytes');
    pcrs.set(index, value);
  }
  return pcrs;
}
