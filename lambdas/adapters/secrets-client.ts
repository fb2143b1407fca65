import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { clientConfig, type SdkSender, type SdkSettings, throughSdk } from './sdk-sender.ts';

export const createSecretsManagerClient = (settings: SdkSettings): SdkSender =>
  throughSdk(new SecretsManagerClient(clientConfig(settings)), { GetSecretValue: GetSecretValueCommand });
