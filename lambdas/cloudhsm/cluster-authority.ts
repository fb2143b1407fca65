/** The certificate authority of the cluster: a key in AWS KMS that signs once, or somebody outside whose certificates are put into a secret. */
import * as z from 'zod';
import { type ClusterCertificates, clusterCertificateFields, isAnchorOf, trustAnchorFields } from '#shared/cloudhsm/cluster-certificates.ts';
import { type ClusterAuthority, ControlPlaneError } from '#shared/cloudhsm/ports.ts';
import { type CertificateFields, certificateToSign, signedCertificate } from '#shared/x509/rsa-certificate.ts';
import type { AuthorityKms, SecretStore } from './hsm-services.ts';

export interface KmsAuthorityOptions {
  readonly kms: AuthorityKms;
  readonly secrets: SecretStore;
  readonly keyId: string;
  readonly trustAnchorSecret: string;
  readonly deployment: string;
}

export function createKmsAuthority({ kms, secrets, keyId, trustAnchorSecret, deployment }: KmsAuthorityOptions): ClusterAuthority {
  async function certificate(fields: CertificateFields): Promise<string> {
    const toSign = certificateToSign(fields);
    return signedCertificate(toSign, await kms.sign(keyId, toSign));
  }

  return {
    observe: async () => ({ authorityKey: await kms.state(keyId) }),

    async certificatesFor(signingRequest, now): Promise<ClusterCertificates> {
      const keyInfo = await kms.publicKeyInfo(keyId);
      const stored = await secrets.read(trustAnchorSecret);
      const trustAnchor = stored !== undefined && isAnchorOf(stored, keyInfo) ? stored : await certificate(trustAnchorFields(deployment, keyInfo, now));
      // Before anything is initialised under it: an anchor that nobody has is a cluster that nobody can verify.
      if (trustAnchor !== stored) await secrets.write(trustAnchorSecret, trustAnchor);
      return { signedCertificate: await certificate(clusterCertificateFields(deployment, signingRequest, keyInfo, now)), trustAnchor };
    },

    disable: () => kms.disable(keyId),
  };
}

const externalCertificates = z.strictObject({ signedCertificate: z.string().min(1).max(5000), trustAnchor: z.string().min(1).max(5000) });

export interface ExternalAuthorityOptions {
  readonly secrets: SecretStore;
  /** JSON with `signedCertificate` and `trustAnchor`, put there by a person. */
  readonly certificatesSecret: string;
  readonly trustAnchorSecret: string;
}

export function createExternalAuthority({ secrets, certificatesSecret, trustAnchorSecret }: ExternalAuthorityOptions): ClusterAuthority {
  async function provided(): Promise<ClusterCertificates | undefined> {
    const text = await secrets.read(certificatesSecret);
    if (text === undefined) return undefined;
    const parsed = externalCertificates.safeParse(asJson(text));
    // Not readable is unusable, which the reconciler says by name.
    return parsed.success ? parsed.data : { signedCertificate: '', trustAnchor: '' };
  }

  return {
    observe: async () => ({ externalCertificates: await provided() }),
    async certificatesFor() {
      const certificates = await provided();
      if (certificates === undefined) throw new ControlPlaneError('refused', 'The signed certificate is not there any more.');
      if ((await secrets.read(trustAnchorSecret)) !== certificates.trustAnchor) await secrets.write(trustAnchorSecret, certificates.trustAnchor);
      return certificates;
    },
    async disable() {},
  };
}

/** For sources whose clusters have their certificates already. */
export const noAuthority: ClusterAuthority = {
  observe: async () => ({}),
  certificatesFor: () => Promise.reject(new Error('A cluster of this source is not initialised here.')),
  async disable() {},
};

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
