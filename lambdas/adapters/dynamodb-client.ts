/** The operations of DynamoDB that the record store uses. */
import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DeleteItemCommandOutput,
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  type GetItemCommandOutput,
  PutItemCommand,
  type PutItemCommandInput,
  type PutItemCommandOutput,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
  type TransactWriteItemsCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { clientConfig, type SdkSettings, throughSdk } from './sdk-sender.ts';

interface Operations {
  readonly GetItem: { readonly input: GetItemCommandInput; readonly output: GetItemCommandOutput };
  readonly BatchGetItem: { readonly input: BatchGetItemCommandInput; readonly output: BatchGetItemCommandOutput };
  readonly Query: { readonly input: QueryCommandInput; readonly output: QueryCommandOutput };
  readonly PutItem: { readonly input: PutItemCommandInput; readonly output: PutItemCommandOutput };
  readonly DeleteItem: { readonly input: DeleteItemCommandInput; readonly output: DeleteItemCommandOutput };
  readonly TransactWriteItems: { readonly input: TransactWriteItemsCommandInput; readonly output: TransactWriteItemsCommandOutput };
}

/** Sends each request once. */
export interface DynamoDbClient {
  send<Name extends keyof Operations>(
    operation: Name,
    input: Operations[Name]['input'],
    options: { readonly abortSignal: AbortSignal },
  ): Promise<Omit<Operations[Name]['output'], '$metadata'>>;
  destroy(): void;
}

const commands = {
  BatchGetItem: BatchGetItemCommand,
  DeleteItem: DeleteItemCommand,
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  Query: QueryCommand,
  TransactWriteItems: TransactWriteItemsCommand,
};

export function createDynamoDbClient(settings: SdkSettings = {}): DynamoDbClient {
  return throughSdk(new DynamoDBClient(clientConfig(settings)), commands) as DynamoDbClient;
}
