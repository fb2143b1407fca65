/** The calls to AWS services that the functions make beside DynamoDB. Each request is sent once. */
import { EventBridgeClient, PutEventsCommand, type PutEventsCommandInput, type PutEventsCommandOutput } from '@aws-sdk/client-eventbridge';
import type { GetSecretValueCommandInput, GetSecretValueCommandOutput } from '@aws-sdk/client-secrets-manager';
import type { SendMessageBatchCommandInput, SendMessageBatchCommandOutput, SendMessageCommandInput, SendMessageCommandOutput } from '@aws-sdk/client-sqs';
import { clientConfig, onDemand, type SdkSettings, throughSdk } from './sdk-sender.ts';

interface Options {
  readonly abortSignal: AbortSignal;
}
type Answer<Output> = Promise<Omit<Output, '$metadata'>>;

export interface EventBridge {
  send(operation: 'PutEvents', input: PutEventsCommandInput, options: Options): Answer<PutEventsCommandOutput>;
}
export interface Sqs {
  send(operation: 'SendMessage', input: SendMessageCommandInput, options: Options): Answer<SendMessageCommandOutput>;
  send(operation: 'SendMessageBatch', input: SendMessageBatchCommandInput, options: Options): Answer<SendMessageBatchCommandOutput>;
}
export interface SecretsManager {
  send(operation: 'GetSecretValue', input: GetSecretValueCommandInput, options: Options): Answer<GetSecretValueCommandOutput>;
}

export const createEventBridge = (settings: SdkSettings = {}): EventBridge =>
  throughSdk(new EventBridgeClient(clientConfig(settings)), { PutEvents: PutEventsCommand }) as EventBridge;
/** Loaded with its first message: most functions use it only while the event bus does not take audit records. */
export const createSqs = (settings: SdkSettings = {}): Sqs => onDemand(async () => (await import('./sqs-client.ts')).createSqsClient(settings)) as Sqs;
/** Loaded with its first request: the certificate for the bridge. */
export const createSecretsManager = (settings: SdkSettings = {}): SecretsManager =>
  onDemand(async () => (await import('./secrets-client.ts')).createSecretsManagerClient(settings)) as SecretsManager;
