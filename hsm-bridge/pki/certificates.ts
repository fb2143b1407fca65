/**
 * A small certificate authority for the mutual TLS between the bridge and its clients. ECDSA P-256 throughout. The single node makes its
 * certificates with it at set-up, tests per run, the AWS deployment per rotation.
 */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CallerClass } from '#shared/bridge-protocol.ts';

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

/** Clocks of the two ends may differ by this much. */
const skewMs = 5 * 60_000;
const dayMs = 86_400_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

/** @returns a self-signed authority that may sign end-entity certificates only. */
export async function createAuthority(options: { name?: string; validDays?: number } = {}): Promise<CertificateAndKey> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(options.validDays ?? 3650),
    serialNumber: serialNumber(),
    name: `CN=${options.name ?? 'Chatelaine bridge authority'}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** @returns a new key pair with a certificate for it. */
export async function issue(request: IssueRequest): Promise<CertificateAndKey> {
  if (request.kind === 'client' && request.callerClass === undefined) throw new Error('a client certificate needs a caller class');
  if (request.kind === 'bridge' && !request.names?.length) throw new Error('a bridge certificate needs at least one name');
  const authority = new x509.X509Certificate(request.authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(request.validDays ?? 365),
    serialNumber: serialNumber(),
    subject: `CN=${request.kind === 'bridge' ? 'hsm-bridge' : request.callerClass}`,
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey: await importKey(request.authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([request.kind === 'bridge' ? serverAuth : clientAuth], true),
      new x509.SubjectAlternativeNameExtension(alternativeNames(request)),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

function alternativeNames(request: IssueRequest): x509.JsonGeneralName[] {
  if (request.kind === 'client') return [{ type: 'url', value: `spiffe://chatelaine/${request.callerClass}` }];
  return (request.names ?? []).map((value) => ({ type: /^[0-9.]+$|:/.test(value) ? 'ip' : 'dns', value }));
}

const generateKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;

const exportKey = async (key: CryptoKey) => x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key as webcrypto.CryptoKey), 'PRIVATE KEY');

const importKey = (pem: string) => webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decode(pem)[0] as ArrayBuffer, algorithm, false, ['sign']) as Promise<CryptoKey>;

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - skewMs), notAfter: new Date(now + days * dayMs) };
}

/** RFC 5280 section 4.1.2.2: positive and at most 20 octets. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}
