/** The operations of DynamoDB that the record store uses, with the SDK's types and without its code. */
import type {
  BatchGetItemCommandInput,
  BatchGetItemCommandOutput,
  DeleteItemCommandInput,
  DeleteItemCommandOutput,
  GetItemCommandInput,
  GetItemCommandOutput,
  PutItemCommandInput,
  PutItemCommandOutput,
  QueryCommandInput,
  QueryCommandOutput,
  TransactWriteItemsCommandInput,
  TransactWriteItemsCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { type AwsJsonSettings, createAwsJsonClient } from './aws-json-client.ts';

interface Operations {
  readonly GetItem: { readonly input: GetItemCommandInput; readonly output: GetItemCommandOutput };
  readonly BatchGetItem: { readonly input: BatchGetItemCommandInput; readonly output: BatchGetItemCommandOutput };
  readonly Query: { readonly input: QueryCommandInput; readonly output: QueryCommandOutput };
  readonly PutItem: { readonly input: PutItemCommandInput; readonly output: PutItemCommandOutput };
  readonly DeleteItem: { readonly input: DeleteItemCommandInput; readonly output: DeleteItemCommandOutput };
  readonly TransactWriteItems: { readonly input: TransactWriteItemsCommandInput; readonly output: TransactWriteItemsCommandOutput };
}

/** Sends each request once. Attributes of type binary are not translated: the record store has none. */
export interface DynamoDbClient {
  send<Name extends keyof Operations>(
    operation: Name,
    input: Operations[Name]['input'],
    options: { readonly abortSignal: AbortSignal },
  ): Promise<Omit<Operations[Name]['output'], '$metadata'>>;
  destroy(): void;
}

export function createDynamoDbClient(settings: AwsJsonSettings = {}): DynamoDbClient {
  return createAwsJsonClient({ name: 'dynamodb', targetPrefix: 'DynamoDB_20120810', jsonVersion: '1.0' }, settings) as DynamoDbClient;
}
