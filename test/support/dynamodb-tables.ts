/** Makes the record store's three tables in an emulator, under names of their own. */
import { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { dynamoDbTableDefinitions } from '#lambdas/adapters/dynamodb-tables.ts';
import { type TableName, tableNames } from '#shared/ports/record-store.ts';
import type { Emulator } from '#test/support/emulator.ts';

export async function createTables({ endpoint, region, credentials }: Emulator): Promise<Record<TableName, string>> {
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const suffix = crypto.randomUUID();
  const names = Object.fromEntries(tableNames.map((table) => [table, `${table}-${suffix}`])) as Record<TableName, string>;
  for (const table of tableNames) {
    const { timeToLiveAttribute, ...definition } = dynamoDbTableDefinitions[table];
    await client.send(new CreateTableCommand({ TableName: names[table], ...definition }));
    await client.send(new UpdateTimeToLiveCommand({ TableName: names[table], TimeToLiveSpecification: { AttributeName: timeToLiveAttribute, Enabled: true } }));
  }
  client.destroy();
  return names;
}
