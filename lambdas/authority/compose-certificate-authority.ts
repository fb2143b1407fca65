/** Beside lambdas/compose.ts, because nobody else's bundle should carry a certificate authority. */
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type CallerClass, callerClasses } from '#shared/bridge-protocol.ts';
import { readEnvironment } from '#shared/env/function-environment.ts';
import type { CertificateAuthorityHandlerSettings } from '../handlers/certificate-authority-handler.ts';
import { recordDaysLeft } from '../metrics/certificate-days.ts';
import { createFunctionMetrics } from '../metrics/function-metrics.ts';
import { createCertificateSecrets } from './certificate-secrets.ts';
import { issueCertificates, type Subject } from './issue-certificates.ts';
import { readKmsAuthorityKey } from './kms-authority-key.ts';

export function composeCertificateAuthority(environment: Readonly<Record<string, string | undefined>>): CertificateAuthorityHandlerSettings {
  const settings = readEnvironment('certificateAuthority', environment);
  const kms = new KMSClient({});
  const secrets = createCertificateSecrets(new SecretsManagerClient({}));
  const metrics = createFunctionMetrics({ deployment: environment.CHATELAINE_DEPLOYMENT ?? 'chatelaine' });
  const [first = '', ...others] = settings.CHATELAINE_AUTHORITY_KEYS.split(',');
  // Read when it runs: a function whose settings are wrong says so to CloudFormation and to its schedule.
  const subjects = (): readonly Subject[] => [
    { kind: 'bridge', secret: settings.CHATELAINE_BRIDGE_CERTIFICATE_SECRET, names: settings.CHATELAINE_BRIDGE_NAMES.split(',') },
    ...settings.CHATELAINE_CLIENT_CERTIFICATE_SECRETS.split(',').map(clientOf),
  ];
  return {
    async issue() {
      const keys = await Promise.all([readKmsAuthorityKey(kms, first), ...others.map((key) => readKmsAuthorityKey(kms, key))] as const);
      const now = Date.now();
      const issued = await issueCertificates({ keys, subjects: subjects(), secrets, validDays: Number(settings.CHATELAINE_CERTIFICATE_DAYS), now });
      recordDaysLeft(metrics, { authority: issued.trusted }, now);
      metrics.flush();
      return issued;
    },
  };
}

function clientOf(entry: string): Subject {
  const [name = '', secret] = entry.split(/=(.*)/, 2);
  const callerClass = callerClasses.find((known): known is CallerClass => known === name);
  if (callerClass === undefined || !secret) throw new Error('These environment variables are missing or unusable: CHATELAINE_CLIENT_CERTIFICATE_SECRETS.');
  return { kind: 'client', callerClass, secret };
}
