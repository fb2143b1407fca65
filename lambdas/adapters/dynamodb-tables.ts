/** The shape of the three DynamoDB tables, as data: the tests make tables from it, and the synthesised stacks are compared with it. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { type IndexName, indexNames, type TableName } from '#shared/ports/record-store.ts';

/** The names of an item's attributes. */
export const attribute = {
  pk: 'pk',
  sk: 'sk',
  rev: 'rev',
  body: 'body',
  seal: 'seal',
  expiresAt: 'expiresAt',
  /** Marks the one PutItem that wrote the item, so that a repeat of a lost request can tell its own write from another's. */
  writeId: 'writeId',
  indexPk: (index: IndexName) => `${index}Pk`,
  indexSk: (index: IndexName) => `${index}Sk`,
} as const;

export interface DynamoDbTableDefinition extends Omit<CreateTableCommandInput, 'TableName'> {
  readonly timeToLiveAttribute: string;
}

/** What CreateTable takes for each table, and the attribute of its time to live. */
export const dynamoDbTableDefinitions: Readonly<Record<TableName, DynamoDbTableDefinition>> = {
  core: { ...definition(), StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } },
  // No stream: it would be a second copy of the wrapped keys.
  material: definition(),
  ops: definition(),
};

function definition(): DynamoDbTableDefinition {
  const names = [attribute.pk, attribute.sk, ...indexNames.flatMap((index) => [attribute.indexPk(index), attribute.indexSk(index)])];
  return {
    AttributeDefinitions: names.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
    KeySchema: keySchema(attribute.pk, attribute.sk),
    GlobalSecondaryIndexes: indexNames.map((index) => ({
      IndexName: index,
      KeySchema: keySchema(attribute.indexPk(index), attribute.indexSk(index)),
      Projection: { ProjectionType: 'ALL' },
    })),
    BillingMode: 'PAY_PER_REQUEST',
    timeToLiveAttribute: attribute.expiresAt,
  };
}

function keySchema(pk: string, sk: string): CreateTableCommandInput['KeySchema'] {
  return [
    { AttributeName: pk, KeyType: 'HASH' },
    { AttributeName: sk, KeyType: 'RANGE' },
  ];
}
