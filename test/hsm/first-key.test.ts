import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';

let bridge: TestBridge;
let client: BridgeClient;
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
});
afterAll(() => bridge?.stop());

const binding = () => ({ account: '111122223333', region: 'eu-central-1', keyId: randomUUID(), version: 1 });

test('a new AES key encrypts and decrypts with additional data', async () => {
  const key = binding();
  const material = await client.generateKey({ binding: key, keySpec: 'SYMMETRIC_DEFAULT', keyUsage: 'ENCRYPT_DECRYPT', origin: 'AWS_KMS' });
  const side = { key: { binding: key, material }, algorithm: 'SYMMETRIC_DEFAULT', aad: Buffer.from('context') } as const;
  const plaintext = randomBytes(4096);

  const parts = await client.encrypt(side, plaintext);
  const decrypted = await client.decrypt(side, parts);

  expect(Buffer.from(decrypted)).toEqual(plaintext);
  await expect(client.decrypt({ ...side, aad: Buffer.from('other') }, parts)).rejects.toMatchObject({ code: 'invalid-ciphertext' });
});

test('a seal fits its digest and no other', async () => {
  const digests = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];

  const [first = '', second = ''] = await client.sealRows(digests);
  const verdicts = await client.checkSeals([
    { digest: digests[0]!, seal: first },
    { digest: digests[1]!, seal: first },
    { digest: digests[1]!, seal: second },
  ]);

  expect(verdicts).toEqual([true, false, true]);
});

test('random bytes have the length asked for', async () => {
  expect((await client.generateRandom(1024)).length).toBe(1024);
});
