/** An authority like that of AWS Nitro Enclaves, and documents that it signs: whole ones, and ones with a fault at a chosen place. */
import 'reflect-metadata';
import { createHash, createPublicKey, generateKeyPairSync, KeyObject, sign, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type Cbor, cbor } from './cbor.ts';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

const hourMs = 3_600_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;

/** A certificate of the chain as it should be, to be changed by a test. */
export interface CertificatePlan {
  readonly isAuthority: boolean;
  readonly pathLength?: number | undefined;
  readonly usages: number;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly curve?: 'P-256';
  readonly hash?: 'SHA-256';
  /** Signs with a key of its own and not with that of the one before. */
  readonly isForged?: boolean;
  /** Instead of the name of the one before. */
  readonly issuer?: string;
  readonly extensions?: readonly x509.Extension[];
  readonly omitBasicConstraints?: boolean;
}

export interface NitroAuthority {
  /** SHA-256 of the root certificate. */
  readonly root: string;
  /** The payload of a document for these measurements. */
  fields(options?: DocumentOptions): Map<string, Cbor>;
  sign(payload: Uint8Array): Buffer;
  /** A signed document. */
  document(options?: DocumentOptions): Buffer;
}

export interface DocumentOptions {
  readonly pcrs?: ReadonlyMap<number, Uint8Array>;
  readonly publicKey?: Uint8Array | null;
  readonly timestamp?: number;
  /** Takes the place of fields; undefined takes one away. */
  readonly changes?: Readonly<Record<string, Cbor | undefined>>;
}

/** @param change makes a plan wrong. 0 is the root, 1 and 2 are authorities, 3 signs documents */
export async function createNitroAuthority(now: number, change: (plan: CertificatePlan, at: number) => CertificatePlan = (plan) => plan): Promise<NitroAuthority> {
  const authority = {
    isAuthority: true,
    usages: x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
    notBefore: new Date(now - 24 * hourMs),
    notAfter: new Date(now + 24 * hourMs),
  };
  const leaf = { isAuthority: false, usages: x509.KeyUsageFlags.digitalSignature, notBefore: new Date(now - 2 * hourMs), notAfter: new Date(now + hourMs) };
  const plans = [authority, { ...authority, pathLength: 1 }, { ...authority, pathLength: 0 }, leaf].map((plan, at) => change(plan, at));
  const chain: Buffer[] = [];
  let issuer: { name: string; key: CryptoKey } | undefined;
  for (const [at, plan] of plans.entries()) {
    const name = `CN=${at}.nitro-enclaves.test, O=Chatelaine, C=US`;
    const { certificate, keys } = await certify(plan, name, issuer, at);
    chain.push(certificate);
    issuer = { name, key: keys.privateKey };
  }
  const key = KeyObject.from(issuer!.key);

  const fields: NitroAuthority['fields'] = ({ pcrs = defaultPcrs, publicKey = defaultEnclaveKey(), timestamp = now, changes = {} } = {}) => {
    const all: Record<string, Cbor | undefined> = {
      module_id: 'i-0123456789abcdef0-enc0123456789abcdef',
      digest: 'SHA384',
      timestamp,
      pcrs,
      certificate: chain.at(-1)!,
      cabundle: chain.slice(0, -1),
      public_key: publicKey,
      user_data: null,
      nonce: null,
      ...changes,
    };
    return new Map(Object.entries(all).filter((entry): entry is [string, Cbor] => entry[1] !== undefined));
  };
  const signPayload = (payload: Uint8Array): Buffer => cbor([protectedHeader, new Map(), payload, signatureOver(payload, key)]);
  return {
    root: createHash('sha256').update(chain[0]!).digest('hex'),
    fields,
    sign: signPayload,
    document: (options) => signPayload(cbor(fields(options))),
  };
}

const protectedHeader = Buffer.from('a1013822', 'hex');
const signatureOver = (payload: Uint8Array, key: KeyObject): Buffer =>
  sign('sha384', cbor(['Signature1', protectedHeader, Buffer.alloc(0), payload]), { key, dsaEncoding: 'ieee-p1363' });

const defaultPcrs: ReadonlyMap<number, Uint8Array> = new Map([0, 1, 2, 3, 4, 8].map((index) => [index, createHash('sha384').update(`pcr ${index}`).digest()]));
let enclaveKey: { publicKey: KeyObject; privateKey: KeyObject } | undefined;
/** The key pair of the sample enclave, made once in a process. */
export const sampleEnclave = (): { publicKey: KeyObject; privateKey: KeyObject } => (enclaveKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));
const defaultEnclaveKey = (): Buffer => createPublicKey(sampleEnclave().publicKey.export({ format: 'pem', type: 'spki' })).export({ format: 'der', type: 'spki' });

async function certify(plan: CertificatePlan, name: string, issuer: { name: string; key: CryptoKey } | undefined, at: number) {
  const generate = async (curve: string) => (await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: curve }, true, ['sign', 'verify'])) as unknown as CryptoKeyPair;
  const keys = await generate(plan.curve ?? 'P-384');
  const forged = plan.isForged === true ? (await generate('P-384')).privateKey : undefined;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `0${at + 1}`,
    subject: name,
    issuer: plan.issuer ?? issuer?.name ?? name,
    notBefore: plan.notBefore,
    notAfter: plan.notAfter,
    publicKey: keys.publicKey,
    signingKey: forged ?? issuer?.key ?? keys.privateKey,
    signingAlgorithm: { ...algorithm, hash: plan.hash ?? algorithm.hash },
    extensions: [
      ...(plan.omitBasicConstraints === true ? [] : [new x509.BasicConstraintsExtension(plan.isAuthority, plan.pathLength, true)]),
      new x509.KeyUsagesExtension(plan.usages, true),
      ...(plan.extensions ?? []),
    ],
  });
  return { certificate: Buffer.from(certificate.rawData), keys };
}
