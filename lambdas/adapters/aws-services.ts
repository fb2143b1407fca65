/** The calls to AWS services that the functions make beside DynamoDB, with the SDK's types and without its code. */
import type { PutEventsCommandInput, PutEventsCommandOutput } from '@aws-sdk/client-eventbridge';
import type { GetSecretValueCommandInput, GetSecretValueCommandOutput } from '@aws-sdk/client-secrets-manager';
import type { SendMessageBatchCommandInput, SendMessageBatchCommandOutput, SendMessageCommandInput, SendMessageCommandOutput } from '@aws-sdk/client-sqs';
import type { AwsJsonService } from './aws-json-client.ts';

interface Options {
  readonly abortSignal: AbortSignal;
}
type Answer<Output> = Promise<Omit<Output, '$metadata'>>;

export interface EventBridge {
  /** Times are epoch seconds on the wire. */
  send(
    operation: 'PutEvents',
    input: { readonly Entries: readonly (Omit<NonNullable<PutEventsCommandInput['Entries']>[number], 'Time'> & { readonly Time?: number })[] },
    options: Options,
  ): Answer<PutEventsCommandOutput>;
}
export interface Sqs {
  send(operation: 'SendMessage', input: SendMessageCommandInput, options: Options): Answer<SendMessageCommandOutput>;
  send(operation: 'SendMessageBatch', input: SendMessageBatchCommandInput, options: Options): Answer<SendMessageBatchCommandOutput>;
}
export interface SecretsManager {
  send(operation: 'GetSecretValue', input: GetSecretValueCommandInput, options: Options): Answer<GetSecretValueCommandOutput>;
}

export const eventBridgeService: AwsJsonService = { name: 'events', targetPrefix: 'AWSEvents', jsonVersion: '1.1' };
export const sqsService: AwsJsonService = { name: 'sqs', targetPrefix: 'AmazonSQS', jsonVersion: '1.0' };
export const secretsManagerService: AwsJsonService = { name: 'secretsmanager', targetPrefix: 'secretsmanager', jsonVersion: '1.1' };
