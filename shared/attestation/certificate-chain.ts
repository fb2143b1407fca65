/** Path validation from a trusted root to the certificate that signed an attestation document. AWS Nitro Enclaves User Guide, "Semantical validation"; RFC 5280 section 6. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { AttestationFault } from './attestation-fault.ts';
import { type CertificateConstraints, readConstraints } from './certificate-constraints.ts';

interface Link {
  readonly certificate: X509Certificate;
  readonly constraints: CertificateConstraints;
}

/** Reads a key out of a certificate, and believes nothing yet. @throws AttestationFault */
export const certifiedKey = (der: Uint8Array): KeyObject => readLink(der).certificate.publicKey;

/**
 * @param chain DER, the root first
 * @param roots SHA-256 fingerprints, 64 hexadecimal digits in lower case
 * @throws AttestationFault
 */
export function verifyChain(chain: readonly Uint8Array[], roots: readonly string[], now: number): void {
  const [root] = chain;
  if (root === undefined || !roots.includes(createHash('sha256').update(root).digest('hex'))) throw new AttestationFault('its root certificate is not trusted here');
  let issuer: Link | undefined;
  for (const [at, der] of chain.entries()) {
    const link = readLink(der);
    requireValidAt(link, now);
    requireUse(link, chain.length - at - 1);
    // Each is verified before anything of the next one counts. The root is trusted by its fingerprint.
    if (issuer !== undefined && !(link.certificate.checkIssued(issuer.certificate) && link.certificate.verify(issuer.certificate.publicKey)))
      throw new AttestationFault('a certificate was not issued by the one before it');
    issuer = link;
  }
}

function readLink(der: Uint8Array): Link {
  const constraints = readConstraints(der);
  let certificate: X509Certificate;
  let key: KeyObject;
  try {
    certificate = new X509Certificate(der);
    key = certificate.publicKey;
  } catch {
    throw new AttestationFault('a certificate is malformed');
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'secp384r1') throw new AttestationFault('a certificate is not for a key on P-384');
  return { certificate, constraints };
}

function requireValidAt({ certificate }: Link, now: number): void {
  if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) throw new AttestationFault('a certificate is not valid at this time');
}

/** @param below how many certificates follow in the chain */
function requireUse({ constraints }: Link, below: number): void {
  const { isAuthority, pathLength, mayDigitallySign, maySignCertificates } = constraints;
  if (below === 0) {
    if (isAuthority || pathLength !== undefined || !mayDigitallySign) throw new AttestationFault('its certificate is not one for signing documents');
    return;
  }
  if (!isAuthority || !maySignCertificates) throw new AttestationFault('a certificate of the bundle is not that of an authority');
  if (pathLength !== undefined && pathLength < below - 1) throw new AttestationFault('a certificate of the bundle allows no chain of this length');
}
