import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorTable } from '#shared/errors.ts';
import type { Operation } from '#shared/operation.ts';
import { errorsOf } from '#shared/operation-errors.ts';
import { operations } from '#shared/operations/index.ts';
import { type Answer, awsJsonRequest, type Members, startInProcess } from '#test/support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';
import { setKeyState } from '#test/support/set-key-state.ts';

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.constantFrom<unknown>(
    null,
    '',
    '\ud800',
    '\u0000',
    'alias/',
    'alias/x',
    'alias/\ud800',
    'arn:',
    'arn:aws:kms:eu-west-1:111122223333:key/',
    -1,
    0,
    1e308,
    -0,
    2 ** 53,
    [],
    {},
    [null],
  ),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  fc.base64String({ maxLength: 200 }),
  fc.dictionary(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toString')), fc.oneof(fc.string({ unit: 'binary' }), fc.integer())),
  // A page marker that a caller made up.
  fc.tuple(fc.constantFrom('ListKeys', 'ListAliases/'), fc.string({ unit: 'binary', maxLength: 40 })).map((pair) => Buffer.from(JSON.stringify(pair)).toString('base64url')),
);

function expectAwsShape(answer: Answer, operation?: Operation): void {
  if (answer.status < 300) return;
  expect(answer.status).toBeLessThan(500);
  expect(Object.keys(errorTable)).toContain(answer.code);
  expect(answer.body.__type ?? answer.body.code).toBe(answer.code);
  expect(answer.code).not.toBe('KMSInternalException');
  // REST finds the operation by its path, and an empty segment is another path.
  if (operation?.wire === false && answer.code === 'UnknownOperationException') return;
  if (operation !== undefined) expect(errorsOf(operation)).toContain(answer.code);
}

describe('whatever is sent, the answer is an error of the protocol and the service goes on', () => {
  const app = startInProcess();
  let keys: SampleKeys;
  beforeAll(async () => {
    keys = await createSampleKeys(app);
  });
  afterAll(() => app.close());

  for (const operation of operations) {
    const names = Object.keys(operation.input.shape);

    test(`${operation.name}: members of any value, over both protocols`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.dictionary(fc.constantFrom(...names, 'Other', '__proto__'), odd), async (members) => {
          expectAwsShape(await app.call(operation.name, members), operation);
          expectAwsShape(
            await app.send({ method: operation.http.method, path: operation.http.path.replaceAll(/\{[A-Za-z]+\}/g, keys.symmetric), body: Buffer.from(JSON.stringify(members)) }),
          );
        }),
        { numRuns: 60 },
      );
    });

    test(`${operation.name}: a good request with one member replaced or taken away`, async () => {
      for (const key of Object.values(keys)) await setKeyState(app, key, 'Enabled');
      const good = await sampleRequest(app, keys, operation.name);
      const present = Object.keys(good);

      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...present), fc.option(odd), async (name, value) => {
          const members: Members = { ...good };
          if (value === null) delete members[name];
          else members[name] = value;
          expectAwsShape(await app.call(operation.name, members), operation);
        }),
        { numRuns: 40 },
      );
    });
  }

  test('bodies of any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...operations.map(({ name }) => name)), fc.uint8Array({ maxLength: 300 }), async (name, body) => {
        expectAwsShape(await app.send({ ...awsJsonRequest(name, {}), body }));
      }),
      { numRuns: 300 },
    );
  });

  test('methods, paths and queries of any text', async () => {
    const text = fc.string({ maxLength: 40 });
    const path = fc.oneof(
      text,
      text.map((rest) => `/v1/${rest}`),
      fc.constantFrom('/v1/keys/', '/v1//', '/v1/keys/%00/', `/v1/keys/${'a'.repeat(5000)}`),
    );

    await fc.assert(
      fc.asyncProperty(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', ''), path, text, async (method, chosen, query) => {
        expectAwsShape(await app.send({ method, path: chosen, query }));
      }),
      { numRuns: 500 },
    );
  });
});
