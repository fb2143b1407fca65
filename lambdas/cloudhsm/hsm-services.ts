/** What the reconciler needs of AWS KMS, Secrets Manager and EventBridge. @throws ControlPlaneError */
import { DescribeKeyCommand, DisableKeyCommand, GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { administrationDetailType, administrationSource } from '#shared/cloudhsm/administration-event.ts';
import { ControlPlaneError, type HsmAdministration } from '#shared/cloudhsm/ports.ts';
import type { EventBridge } from '../adapters/aws-services.ts';
import { AwsAnswerError, clientConfig, type SdkSender, type SdkSettings, throughSdk } from '../adapters/sdk-sender.ts';
import { asControlPlaneError } from './cloudhsm-client.ts';

export interface AuthorityKms {
  state(keyId: string): Promise<'enabled' | 'disabled'>;
  publicKeyInfo(keyId: string): Promise<Uint8Array>;
  /** RSA PKCS#1 v1.5 with SHA-256. */
  sign(keyId: string, message: Uint8Array): Promise<Uint8Array>;
  disable(keyId: string): Promise<void>;
}
export interface SecretStore {
  /** @returns undefined when it has no value yet */
  read(secretId: string): Promise<string | undefined>;
  write(secretId: string, value: string): Promise<void>;
}

const timeoutMs = 10_000;

async function send<Output>(sender: Pick<SdkSender, 'send'>, operation: string, input: unknown): Promise<Output> {
  try {
    return (await sender.send(operation, input, { abortSignal: AbortSignal.timeout(timeoutMs) })) as Output;
  } catch (error) {
    throw asControlPlaneError(error, operation);
  }
}

export function createAuthorityKms(settings: SdkSettings = {}): AuthorityKms {
  const sender = throughSdk(new KMSClient(clientConfig(settings)), {
    DescribeKey: DescribeKeyCommand,
    DisableKey: DisableKeyCommand,
    GetPublicKey: GetPublicKeyCommand,
    Sign: SignCommand,
  });
  return {
    async state(KeyId) {
      const { KeyMetadata } = await send<{ KeyMetadata?: { Enabled?: boolean } }>(sender, 'DescribeKey', { KeyId });
      return KeyMetadata?.Enabled === true ? 'enabled' : 'disabled';
    },
    publicKeyInfo: async (KeyId) => (await send<{ PublicKey: Uint8Array }>(sender, 'GetPublicKey', { KeyId })).PublicKey,
    sign: async (KeyId, Message) =>
      (await send<{ Signature: Uint8Array }>(sender, 'Sign', { KeyId, Message, MessageType: 'RAW', SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256' })).Signature,
    async disable(KeyId) {
      await send(sender, 'DisableKey', { KeyId });
    },
  };
}

export function createSecretStore(settings: SdkSettings = {}): SecretStore {
  const sender = throughSdk(new SecretsManagerClient(clientConfig(settings)), { GetSecretValue: GetSecretValueCommand, PutSecretValue: PutSecretValueCommand });
  return {
    async read(SecretId) {
      try {
        return (await send<{ SecretString?: string }>(sender, 'GetSecretValue', { SecretId })).SecretString;
      } catch (error) {
        // A secret that was made empty answers so until it gets its first value.
        if (error instanceof ControlPlaneError && error.cause instanceof AwsAnswerError && error.cause.name === 'ResourceNotFoundException') return undefined;
        throw error;
      }
    },
    async write(SecretId, SecretString) {
      await send(sender, 'PutSecretValue', { SecretId, SecretString });
    },
  };
}

/** Asks by an event, which a rule turns into a task of the bridge's image: the reconciler itself cannot start tasks. */
export function createEventAdministration(client: EventBridge, busName: string): HsmAdministration {
  return {
    async request({ step, clusterId, epoch = 1 }) {
      // Every member is there and a text: the rule fills the task's environment with them.
      const Detail = JSON.stringify({ step, clusterId, epoch: String(epoch) });
      const entry = { EventBusName: busName, Source: administrationSource, DetailType: administrationDetailType, Detail };
      const answer = await send<{ FailedEntryCount?: number }>(client as unknown as SdkSender, 'PutEvents', { Entries: [entry] });
      if (answer.FailedEntryCount !== 0) throw new ControlPlaneError('failed', 'The event bus did not take the request for HSM administration.');
    },
  };
}
