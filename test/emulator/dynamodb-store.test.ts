import { afterAll, beforeAll } from 'vitest';
import { createDynamoDbClient, type DynamoDbClient } from '#lambdas/adapters/dynamodb-client.ts';
import { createDynamoDbStore } from '#lambdas/adapters/dynamodb-store.ts';
import { createTables } from '#test/support/dynamodb-tables.ts';
import { type Emulator, startEmulator } from '#test/support/emulator.ts';
import { describeRecordStore } from '#test/support/record-store-contract.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(async () => {
  await emulator?.stop();
});

function newClient(endpoint = emulator.endpoint): DynamoDbClient {
  return createDynamoDbClient({ endpoint, region: emulator.region, credentials: emulator.credentials });
}

describeRecordStore('the DynamoDB record store', async () => {
  const clients = [newClient(), newClient()];
  const tables = await createTables(emulator);
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
