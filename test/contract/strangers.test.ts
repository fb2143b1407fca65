/** What a request costs that nobody has signed, or that cannot be read: its audit record and nothing else (threat T-13). */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { KmsError } from '#shared/errors.ts';
import { operations } from '#shared/operations/index.ts';
import { awsJsonRequest, type InProcess, type Members, restRequest, startInProcess } from '#test/support/in-process.ts';
import { createSampleKeys } from '#test/support/sample-requests.ts';

let app: InProcess;
/** Something for every place in a path, and a key that there is. */
let members: Members;
const spent: string[] = [];
beforeAll(async () => {
  app = startInProcess();
  const { symmetric } = await createSampleKeys(app);
  members = { KeyId: symmetric, AliasName: 'alias/x', RoleName: 'user', CustomKeyStoreId: 'cks-1', Version: 1, Plaintext: 'AAAA' };
  const crypto = app.crypto as unknown as Record<string, unknown>;
  for (const [name, call] of Object.entries(crypto)) {
    if (typeof call !== 'function') continue;
    crypto[name] = (...given: unknown[]) => {
      spent.push(name);
      return (call as (...given: unknown[]) => unknown)(...given);
    };
  }
  app.faults.store = (call) => void spent.push(call);
});
afterAll(() => app.close());
beforeEach(() => {
  spent.length = 0;
});

const refusals: readonly (readonly [string, KmsError])[] = [
  ['not signed', new KmsError('MissingAuthenticationTokenException', 'Missing Authentication Token')],
  ['wrongly signed', new KmsError('InvalidSignatureException')],
  ['too large', new KmsError('RequestEntityTooLargeException')],
  ['one too many', new KmsError('ThrottlingException', 'Rate exceeded')],
];

for (const { name, wire } of operations) {
  test(`${name}: a request that is not signed, too large or one too many asks neither the HSM nor the store, and leaves one record`, async () => {
    const shapes = [restRequest(app.service, name, members), ...(wire === false ? [] : [awsJsonRequest(name, members)])];

    for (const request of shapes) {
      for (const [, refusal] of refusals) {
        spent.length = 0;
        const before = app.audit.length;
        const answer = await app.send(request, () => {
          throw refusal;
        });

        expect(answer.code).toBe(refusal.code);
        expect(spent).toEqual([]);
        expect(app.audit.slice(before)).toMatchObject([{ errorCode: refusal.code, resources: [], parameters: {} }]);
      }
    }
  });
}

test.each([
  ['no JSON', Buffer.from('{')],
  ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['an array', Buffer.from('[]')],
  ['a million brackets', Buffer.from('['.repeat(1_000_000))],
  ['objects in objects', Buffer.from(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
  ['half a surrogate pair', Buffer.from('{"KeyId":"\\ud800"}')],
  ['a member called __proto__', Buffer.from('{"KeyId":"alias/x","EncryptionContext":{"__proto__":{"a":"b"}},"Plaintext":"AAAA"}')],
  ['a number beyond what numbers hold', Buffer.from('{"KeyId":1e999,"Plaintext":"AAAA"}')],
])('a signed body that is %s asks neither the HSM nor the store, and leaves one record', async (_, body) => {
  const before = app.audit.length;

  const answer = await app.send({ ...awsJsonRequest('Encrypt', {}), body });

  expect(answer.code).toMatch(/^(SerializationException|ValidationException)$/);
  expect(spent).toEqual([]);
  expect(app.audit.slice(before)).toMatchObject([{ operation: 'Encrypt', errorCode: answer.code }]);
});
