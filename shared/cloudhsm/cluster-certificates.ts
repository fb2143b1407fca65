/**
 * The two certificates that InitializeCluster takes: the trust anchor (self-signed root) and the cluster's certificate under it. Clients check the cluster
 * against the anchor for as long as the cluster lives, and it cannot be replaced, so both are valid as long as in AWS's own example: 3652 days.
 */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { type CertificateFields, commonName } from '../x509/rsa-certificate.ts';
import { readSigningRequest } from '../x509/signing-request.ts';
import { isIssuedBy, isValidAt } from './hardware-chain.ts';

export interface ClusterCertificates {
  readonly signedCertificate: string;
  readonly trustAnchor: string;
}

const dayMs = 86_400_000;
const validityMs = 3652 * dayMs;
/** The API's bound on each of the two. */
const charactersMax = 5000;
/** Clocks differ. */
const backdatedMs = 5 * 60_000;

export function trustAnchorFields(deployment: string, publicKeyInfo: Uint8Array, now: number): CertificateFields {
  const name = commonName(`Chatelaine ${deployment} CloudHSM trust anchor`);
  return { ...validity(now), serial: serialOf(publicKeyInfo), issuer: name, subject: name, publicKeyInfo, issuerPublicKeyInfo: publicKeyInfo, isAuthority: true };
}

/** @throws Error when the request cannot be used */
export function clusterCertificateFields(deployment: string, signingRequest: string, authorityKeyInfo: Uint8Array, now: number): CertificateFields {
  const { subject, publicKeyInfo } = readSigningRequest(signingRequest);
  const { issuer } = trustAnchorFields(deployment, authorityKeyInfo, now);
  return { ...validity(now), serial: serialOf(publicKeyInfo), issuer, subject, publicKeyInfo, issuerPublicKeyInfo: authorityKeyInfo, isAuthority: false };
}

/** @returns why InitializeCluster must not be called with them, or undefined */
export function certificatesFault({ signedCertificate, trustAnchor }: ClusterCertificates, signingRequest: string, now: number): string | undefined {
  try {
    if (Math.max(signedCertificate.length, trustAnchor.length) > charactersMax) return `a certificate is longer than ${charactersMax} characters`;
    const anchor = new X509Certificate(trustAnchor);
    const cluster = new X509Certificate(signedCertificate);
    const { asymmetricKeyType, asymmetricKeyDetails } = anchor.publicKey;
    if (asymmetricKeyType !== 'rsa' || ![2048, 4096].includes(asymmetricKeyDetails?.modulusLength ?? 0)) return 'the trust anchor has no RSA key of 2048 or 4096 bits';
    if (!isIssuedBy(anchor, anchor)) return 'the trust anchor is not a self-signed root';
    if (!isIssuedBy(cluster, anchor)) return 'the certificate is not issued by the trust anchor';
    if (!cluster.publicKey.equals(readSigningRequest(signingRequest).publicKey)) return "the certificate is for another key than the cluster's";
    return isValidAt(anchor, now) && isValidAt(cluster, now) ? undefined : 'a certificate is outside its validity';
  } catch (error) {
    return error instanceof Error ? error.message : 'a certificate cannot be read';
  }
}

/** Is this the anchor of that key? A run that died between storing the anchor and initialising finds its own again. */
export function isAnchorOf(trustAnchor: string, publicKeyInfo: Uint8Array): boolean {
  try {
    return new X509Certificate(trustAnchor).publicKey.equals(createPublicKey({ key: Buffer.from(publicKeyInfo), format: 'der', type: 'spki' }));
  } catch {
    return false;
  }
}

function validity(now: number) {
  return { notBefore: now - backdatedMs, notAfter: now + validityMs };
}

/** The same for the same key, so that a repeat makes the same certificate. 16 bytes, positive by the encoding. */
const serialOf = (publicKeyInfo: Uint8Array): Buffer => createHash('sha256').update(publicKeyInfo).digest().subarray(0, 16);
