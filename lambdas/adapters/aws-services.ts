/** The calls to AWS services that the functions make beside DynamoDB. Each request is sent once. */
import { EventBridgeClient, PutEventsCommand, type PutEventsCommandInput, type PutEventsCommandOutput } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, type GetSecretValueCommandInput, type GetSecretValueCommandOutput, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  SendMessageBatchCommand,
  type SendMessageBatchCommandInput,
  type SendMessageBatchCommandOutput,
  SendMessageCommand,
  type SendMessageCommandInput,
  type SendMessageCommandOutput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { clientConfig, type SdkSettings, throughSdk } from './sdk-sender.ts';

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
/** The service's endpoint decides where requests go, as with every other service, and not the host in a queue's URL. */
export const createSqs = (settings: SdkSettings = {}): Sqs =>
  throughSdk(new SQSClient({ ...clientConfig(settings), useQueueUrlAsEndpoint: false }), { SendMessage: SendMessageCommand, SendMessageBatch: SendMessageBatchCommand }) as Sqs;
export const createSecretsManager = (settings: SdkSettings = {}): SecretsManager =>
  throughSdk(new SecretsManagerClient(clientConfig(settings)), { GetSecretValue: GetSecretValueCommand }) as SecretsManager;
