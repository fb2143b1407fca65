import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { createDynamoDbClient } from '#lambdas/adapters/dynamodb-calls.ts';
import { createDynamoDbStore } from '#lambdas/adapters/dynamodb-store.ts';
import { dynamoDbTableDefinitions } from '#lambdas/adapters/dynamodb-tables.ts';
import { type TableName, tableNames } from '#shared/ports/record-store.ts';
import { type Emulator, startEmulator } from '#test/support/emulator.ts';
import { describeRecordStore } from '#test/support/record-store-contract.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(async () => {
  await emulator?.stop();
});

function newClient(): DynamoDBClient {
  return createDynamoDbClient({ endpoint: emulator.endpoint, region: emulator.region, credentials: emulator.credentials });
}

describeRecordStore('the DynamoDB record store', async () => {
  const clients = [newClient(), newClient()];
  const tables = await createTables(clients[0]!);
  return {
    store: createDynamoDbStore({ client: clients[0]!, tables }),
    second: createDynamoDbStore({ client: clients[1]!, tables }),
    async reopen() {
      const client = newClient();
      clients.push(client);
      return createDynamoDbStore({ client, tables });
    },
    async close() {
      for (const client of clients) client.destroy();
    },
  };
});

async function createTables(client: DynamoDBClient): Promise<Record<TableName, string>> {
  const suffix = crypto.randomUUID();
  const names = Object.fromEntries(tableNames.map((table) => [table, `${table}-${suffix}`])) as Record<TableName, string>;
  for (const table of tableNames) {
    const { timeToLiveAttribute, ...definition } = dynamoDbTableDefinitions[table];
    await client.send(new CreateTableCommand({ TableName: names[table], ...definition }));
    await client.send(new UpdateTimeToLiveCommand({ TableName: names[table], TimeToLiveSpecification: { AttributeName: timeToLiveAttribute, Enabled: true } }));
  }
  return names;
}
