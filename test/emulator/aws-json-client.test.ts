import { afterAll, beforeAll, expect, test } from 'vitest';
import { AwsAnswerError, type AwsCredentials, createAwsJsonClient } from '#lambdas/adapters/aws-json-client.ts';
import { type Emulator, startEmulator } from '#test/support/emulator.ts';

let emulator: Emulator;
let user: AwsCredentials;
beforeAll(async () => {
  emulator = await startEmulator({ enforceIam: true });
  await iam({ Action: 'CreateUser', UserName: 'reader' });
  const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['dynamodb:ListTables', 'events:PutEvents', 'sqs:ListQueues'], Resource: '*' }] };
  await iam({ Action: 'PutUserPolicy', UserName: 'reader', PolicyName: 'reader', PolicyDocument: JSON.stringify(policy) });
  const key = await iam({ Action: 'CreateAccessKey', UserName: 'reader' });
  user = { accessKeyId: member(key, 'AccessKeyId'), secretAccessKey: member(key, 'SecretAccessKey') };
});
afterAll(async () => {
  await emulator?.stop();
});

/** The emulator does not verify the signature of the account's root. */
async function iam(parameters: Record<string, string>): Promise<string> {
  const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00';
  const response = await fetch(emulator.endpoint, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ Version: '2010-05-08', ...parameters }) });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return text;
}

function member(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]+)<`).exec(xml)![1]!;
}

const services = {
  dynamodb: { service: { name: 'dynamodb', targetPrefix: 'DynamoDB_20120810', jsonVersion: '1.0' }, operation: 'ListTables', input: {}, output: { TableNames: [] } },
  events: {
    service: { name: 'events', targetPrefix: 'AWSEvents', jsonVersion: '1.1' },
    operation: 'PutEvents',
    input: { Entries: [{ Source: 'é', DetailType: 'x', Detail: '{}' }] },
    output: { FailedEntryCount: 0 },
  },
  sqs: { service: { name: 'sqs', targetPrefix: 'AmazonSQS', jsonVersion: '1.0' }, operation: 'ListQueues', input: {}, output: {} },
} as const;

async function send(name: keyof typeof services, credentials: AwsCredentials): Promise<unknown> {
  const { service, operation, input } = services[name];
  const client = createAwsJsonClient(service, { endpoint: emulator.endpoint, region: emulator.region, credentials });
  try {
    return await client.send(operation, input, { abortSignal: AbortSignal.timeout(10_000) });
  } finally {
    client.destroy();
  }
}

test.each(['dynamodb', 'events', 'sqs'] as const)('%s verifies and answers a signed request', async (name) => {
  expect(await send(name, user)).toMatchObject(services[name].output);
});

test.each(['dynamodb', 'events', 'sqs'] as const)('%s refuses a signature that was made with another secret, and the refusal is an answer', async (name) => {
  const error = await send(name, { ...user, secretAccessKey: 'other' }).catch((reason: unknown) => reason);

  expect(error).toBeInstanceOf(AwsAnswerError);
  expect(error).toMatchObject({ status: expect.toSatisfy((status: number) => status === 400 || status === 403), name: expect.stringMatching(/Signature/) });
});

test('what the policy does not grant is refused by name', async () => {
  const client = createAwsJsonClient(services.dynamodb.service, { endpoint: emulator.endpoint, region: emulator.region, credentials: user });

  await expect(client.send('DeleteTable', { TableName: 'x' }, { abortSignal: AbortSignal.timeout(10_000) })).rejects.toMatchObject({ name: 'AccessDeniedException' });
  client.destroy();
});
