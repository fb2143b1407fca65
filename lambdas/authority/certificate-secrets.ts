/** The secrets that certificates go into. The authority writes them and never reads them: what it needs to know stands in the name of the version. */
import { DescribeSecretCommand, PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

export interface CertificateSecrets {
  /** @returns the id of the version that readers get; undefined: the secret is empty */
  currentVersion(secret: string): Promise<string | undefined>;
  put(secret: string, version: string, text: string): Promise<void>;
}

export function createCertificateSecrets(client: SecretsManagerClient): CertificateSecrets {
  return {
    async currentVersion(SecretId) {
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      return Object.keys(VersionIdsToStages).find((version) => VersionIdsToStages[version]?.includes('AWSCURRENT'));
    },
    async put(SecretId, ClientRequestToken, SecretString) {
      try {
        await client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString }));
      } catch (error) {
        // Two runs at a time made the same version: the other one's certificate is as good.
        if (!(error instanceof Error) || error.name !== 'ResourceExistsException') throw error;
      }
    },
  };
}
