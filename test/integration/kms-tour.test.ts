/** Every operation of the service that AWS KMS has, with AWS's own client against the real server. */
import { globSync, readFileSync } from 'node:fs';
import * as sdk from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { noteSuccesses, provenElsewhere, tours } from '#test/support/kms-tour.ts';
import { startServer, type TestServer } from '#test/support/server.ts';

let server: TestServer;
let kms: sdk.KMS;
let succeeded: ReadonlySet<string>;
beforeAll(async () => {
  server = await startServer();
  const { accessKeyId, secretAccessKey } = server.credentials;
  kms = new sdk.KMS({ endpoint: server.endpoint, region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
  succeeded = noteSuccesses(kms);
});
afterAll(async () => {
  kms?.destroy();
  await server?.remove();
});

const onTheWire = operations.filter(({ wire }) => wire !== false).map(({ name }) => name);

test.each(Object.keys(tours))('%s', async (name) => {
  await tours[name]!(kms);
});

test('every operation of the registry that is on the wire protocol was called, here or in another test with this client', () => {
  const missing = onTheWire.filter((name) => !succeeded.has(name));
  const others = globSync('test/{integration,e2e}/**/*.test.ts').map((file) => readFileSync(file, 'utf8'));
  const calls = (name: string): RegExp => new RegExp(`new ${name}Command\\(|\\.${name[0]!.toLowerCase()}${name.slice(1)}\\(`);

  expect(missing.filter((name) => !provenElsewhere.includes(name))).toEqual([]);
  for (const name of missing)
    expect(
      others.some((text) => calls(name).test(text)),
      `no test calls ${name}`,
    ).toBe(true);
});

test('the wire protocol has no operation that AWS KMS does not have', () => {
  expect(onTheWire.filter((name) => !(`${name}Command` in sdk))).toEqual([]);
});
