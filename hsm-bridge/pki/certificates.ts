/**
 * A small certificate authority for the mutual TLS between the bridge and its clients. ECDSA P-256 throughout. The single node makes its
 * certificates with it at set-up, tests per run, the AWS deployment per rotation.
 */
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CallerClass } from '#shared/bridge-protocol.ts';
import { parseEcdsaSignature } from '../der.ts';

/** PEM texts. `key` is PKCS #8 and secret. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueRequest {
  readonly authority: CertificateAndKey;
  /** A bridge certificate is for TLS servers, a client certificate for TLS clients; neither serves as the other. */
  readonly kind: 'bridge' | 'client';
  /** Clients only: becomes the URI SAN `spiffe://chatelaine/<class>` that the bridge's allow-list reads. */
  readonly callerClass?: CallerClass;
  /** Bridges only: host names and IP addresses. */
  readonly names?: readonly string[];
  readonly validDays?: number;
}

/** An authority's key that signs where it is kept, in AWS KMS for example. ECDSA P-256. */
export interface AuthorityKey {
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** ECDSA with SHA-256 over the message. @returns DER, as AWS KMS and OpenSSL write it */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export type EndEntityRequest = Omit<IssueRequest, 'authority'>;

/** Clocks of the two ends may differ by this much. */
const skewMs = 5 * 60_000;
const dayMs = 86_400_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

const localCrypto = webcrypto as unknown as Crypto;
x509.cryptoProvider.set(localCrypto);

/** @returns a self-signed authority that may sign end-entity certificates only. */
export async function createAuthority(options: { name?: string; validDays?: number } = {}): Promise<CertificateAndKey> {
  const keys = await generateKeys();
  const certificate = await selfSigned({ ...options, ...validity(options.validDays ?? 3650) }, keys.publicKey, keys.privateKey, serialNumber());
  return { certificate, key: await exportKey(keys.privateKey) };
}

/** The same for a key that is kept elsewhere. Made again it is another text, and the same authority: name, key, serial number and validity do not change. */
export async function authorityCertificate(key: AuthorityKey, options: { notBefore: Date; notAfter: Date; name?: string }): Promise<string> {
  const publicKey = await importPublicKey(key);
  const serial = createHash('sha256').update(key.publicKey).digest().subarray(0, 16);
  return selfSigned(options, publicKey, publicKey, positive(serial), signingElsewhere(key));
}

/** @returns a new key pair with a certificate for it. */
export async function issue({ authority, ...request }: IssueRequest): Promise<CertificateAndKey> {
  return endEntity(authority.certificate, request, await importKey(authority.key));
}

/** The same under an authority whose key is kept elsewhere. */
export async function issueUnder(authority: { readonly certificate: string; readonly key: AuthorityKey }, request: EndEntityRequest): Promise<CertificateAndKey> {
  return endEntity(authority.certificate, request, await importPublicKey(authority.key), signingElsewhere(authority.key));
}

async function selfSigned(
  { name = 'Chatelaine bridge authority', notBefore, notAfter }: { name?: string; notBefore: Date; notAfter: Date },
  publicKey: CryptoKey,
  signingKey: CryptoKey,
  serial: string,
  crypto: Crypto = localCrypto,
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create(
    {
      notBefore,
      notAfter,
      serialNumber: serial,
      subject: `CN=${name}`,
      issuer: `CN=${name}`,
      publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ],
    },
    crypto,
  );
  return certificate.toString('pem');
}

async function endEntity(authorityPem: string, request: EndEntityRequest, signingKey: CryptoKey, crypto: Crypto = localCrypto): Promise<CertificateAndKey> {
  if (request.kind === 'client' && request.callerClass === undefined) throw new Error('a client certificate needs a caller class');
  if (request.kind === 'bridge' && !request.names?.length) throw new Error('a bridge certificate needs at least one name');
  const authority = new x509.X509Certificate(authorityPem);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...validity(request.validDays ?? 365),
      serialNumber: serialNumber(),
      subject: `CN=${request.kind === 'bridge' ? 'hsm-bridge' : request.callerClass}`,
      issuer: authority.subjectName,
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([request.kind === 'bridge' ? serverAuth : clientAuth], true),
        new x509.SubjectAlternativeNameExtension(alternativeNames(request)),
        await x509.AuthorityKeyIdentifierExtension.create(authority),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    crypto,
  );
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** The generator hashes and encodes; the one thing that leaves is what is signed. */
const signingElsewhere = (key: AuthorityKey): Crypto =>
  ({
    subtle: {
      exportKey: (format: 'spki', publicKey: webcrypto.CryptoKey) => webcrypto.subtle.exportKey(format, publicKey),
      async sign(_algorithm: unknown, _key: unknown, message: ArrayBuffer) {
        const signature = parseEcdsaSignature(await key.sign(new Uint8Array(message)), 32);
        if (signature === undefined) throw new Error('the authority answered with something that is no ECDSA P-256 signature');
        return new Uint8Array(signature).buffer;
      },
    },
  }) as unknown as Crypto;

function alternativeNames(request: EndEntityRequest): x509.JsonGeneralName[] {
  if (request.kind === 'client') return [{ type: 'url', value: `spiffe://chatelaine/${request.callerClass}` }];
  return (request.names ?? []).map((value) => ({ type: /^[0-9.]+$|:/.test(value) ? 'ip' : 'dns', value }));
}

const generateKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;

const exportKey = async (key: CryptoKey) => x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key as webcrypto.CryptoKey), 'PRIVATE KEY');

const importPublicKey = ({ publicKey }: AuthorityKey) => webcrypto.subtle.importKey('spki', Buffer.from(publicKey), algorithm, true, ['verify']) as Promise<CryptoKey>;

const importKey = (pem: string) => webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decode(pem)[0] as ArrayBuffer, algorithm, false, ['sign']) as Promise<CryptoKey>;

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - skewMs), notAfter: new Date(now + days * dayMs) };
}

/** RFC 5280 section 4.1.2.2: positive and at most 20 octets. */
const serialNumber = (): string => positive(randomBytes(16));

function positive(sixteenBytes: Uint8Array): string {
  const bytes = Buffer.from(sixteenBytes);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}
