import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';

let bridge: TestBridge;
let client: BridgeClient;
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
});
afterAll(() => bridge?.stop());

test('a seal fits its row digest and no other', async () => {
  const digests = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];

  const [first = '', second = ''] = await client.sealRows(digests);
  const verdicts = await client.checkSeals([
    { digest: digests[0]!, seal: first },
    { digest: digests[1]!, seal: first },
    { digest: digests[1]!, seal: second },
    { digest: digests[1]!, seal: 'AAAA' },
  ]);

  expect(verdicts).toEqual([true, false, true, false]);
});

test('a hundred rows are sealed in one call, and a hundred and one are refused', async () => {
  const digests = Array.from({ length: 100 }, () => randomBytes(32).toString('base64'));

  const seals = await client.sealRows(digests);

  expect(await client.checkSeals(digests.map((digest, at) => ({ digest, seal: seals[at]! })))).toEqual(digests.map(() => true));
  await expect(client.sealRows([...digests, digests[0]!])).rejects.toMatchObject({ code: 'invalid-request' });
});

test('a digest that has not 32 bytes is refused', async () => {
  await expect(client.sealRows([randomBytes(31).toString('base64')])).rejects.toMatchObject({ code: 'invalid-request' });
  await expect(client.checkSeals([{ digest: randomBytes(33).toString('base64'), seal: 'AAAA' }])).rejects.toMatchObject({ code: 'invalid-request' });
});

test('random bytes have the length asked for and do not repeat', async () => {
  const [one, other] = await Promise.all([client.generateRandom(1024), client.generateRandom(1024)]);

  expect(one.length).toBe(1024);
  expect(Buffer.from(one)).not.toEqual(Buffer.from(other));
  await expect(client.generateRandom(1025)).rejects.toMatchObject({ code: 'invalid-request' });
});
