/** X.509 certificates (RFC 5280) whose signature is made elsewhere: what to sign, and the certificate once there is a signature (RSA PKCS#1 v1.5, SHA-256). */
import { bitString, der, derTag, integer, oid, sequence, time } from './der.ts';
import { toPem } from './pem.ts';
import { keyIdentifier } from './signing-request.ts';

export interface CertificateFields {
  /** Positive, at most 20 bytes. */
  readonly serial: Uint8Array;
  /** Names in DER (`commonName`, or taken from a request). */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKeyInfo: Uint8Array;
  readonly issuerPublicKeyInfo: Uint8Array;
  readonly isAuthority: boolean;
}

const signatureAlgorithm = sequence(oid('1.2.840.113549.1.1.11'), der(derTag.null));
const isTrue = der(derTag.boolean, Buffer.from([0xff]));

export const commonName = (name: string): Buffer => sequence(der(derTag.set, sequence(oid('2.5.4.3'), der(derTag.utf8, Buffer.from(name)))));

/** TBSCertificate: the bytes that the issuer signs. */
export function certificateToSign(fields: CertificateFields): Buffer {
  return sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(fields.serial),
    signatureAlgorithm,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.publicKeyInfo,
    der(0xa3, sequence(...extensionsOf(fields))),
  );
}

export const signedCertificate = (toSign: Uint8Array, signature: Uint8Array): string => toPem('CERTIFICATE', sequence(toSign, signatureAlgorithm, bitString(signature)));

function extensionsOf({ isAuthority, publicKeyInfo, issuerPublicKeyInfo }: CertificateFields): Buffer[] {
  // keyCertSign and cRLSign of an authority; digitalSignature of everybody else.
  const usage = isAuthority ? bitString(Buffer.from([0b0000_0110]), 1) : bitString(Buffer.from([0b1000_0000]), 7);
  return [
    extension('2.5.29.19', isAuthority ? sequence(isTrue) : sequence(), true),
    extension('2.5.29.15', usage, true),
    extension('2.5.29.14', der(derTag.octetString, keyIdentifier(publicKeyInfo))),
    extension('2.5.29.35', sequence(der(0x80, keyIdentifier(issuerPublicKeyInfo)))),
  ];
}

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [isTrue] : []), der(derTag.octetString, value));
}
