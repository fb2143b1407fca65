/**
 * Is the signing request from a genuine HSM? As AWS documents it ("Verify the identity and authenticity of your cluster's HSM"): the HSM's certificate leads
 * over AWS's hardware certificate to AWS's root and over the manufacturer's to the manufacturer's root, and holds the key of the signing request.
 * Possible before initialisation only: afterwards the cluster does not show these certificates any more.
 */
import { X509Certificate } from 'node:crypto';
import { readSigningRequest } from '../x509/signing-request.ts';

/** PEM each, as DescribeClusters gives them. */
export interface HardwareCertificates {
  readonly hsm?: string | undefined;
  readonly awsHardware?: string | undefined;
  readonly manufacturerHardware?: string | undefined;
  readonly signingRequest?: string | undefined;
}

/** PEM each, from the deployment's configuration: AWS publishes the one, the manufacturer the other. */
export interface HardwareRoots {
  readonly aws: string;
  readonly manufacturer: string;
}

/** @returns what is wrong with it, or undefined when it is genuine */
export function hardwareFault(shown: HardwareCertificates, roots: HardwareRoots, now: number): string | undefined {
  try {
    const hsm = certificate(shown.hsm, "the HSM's certificate");
    const paths = [
      ["AWS's", certificate(shown.awsHardware, "AWS's hardware certificate"), certificate(roots.aws, "AWS's root")],
      ["the manufacturer's", certificate(shown.manufacturerHardware, "the manufacturer's hardware certificate"), certificate(roots.manufacturer, "the manufacturer's root")],
    ] as const;
    for (const [whose, hardware, root] of paths) {
      if (!isIssuedBy(root, root)) return `${whose} root is not a self-signed root`;
      if (!isIssuedBy(hardware, root)) return `${whose} hardware certificate is not issued by the configured root`;
      if (!isIssuedBy(hsm, hardware)) return `the HSM's certificate is not issued by ${whose} hardware certificate`;
      const expired = [hsm, hardware, root].find((each) => !isValidAt(each, now));
      if (expired !== undefined) return `a certificate of ${whose} chain is outside its validity`;
    }
    const { publicKey } = readSigningRequest(shown.signingRequest ?? '');
    return publicKey.equals(hsm.publicKey) ? undefined : 'the signing request is for another key than the HSM has';
  } catch (error) {
    return error instanceof Error ? error.message : 'a certificate cannot be read';
  }
}

function certificate(pem: string | undefined, what: string): X509Certificate {
  if (!pem) throw new Error(`${what} is missing`);
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error(`${what} cannot be read`, { cause });
  }
}

/** Names, key identifiers and key usage (checkIssued), the signature, and that the issuer may issue at all. */
export function isIssuedBy(subject: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

export function isValidAt(each: X509Certificate, now: number): boolean {
  return Date.parse(each.validFrom) <= now && now <= Date.parse(each.validTo);
}
