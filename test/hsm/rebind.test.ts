import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeySpec, KeyUsage } from '#shared/algorithms/key-specs.ts';
import type { KeyHandle } from '#shared/ports/crypto.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { makeKey, newBinding } from './keys.ts';

const elsewhere = 'eu-west-1';
let bridge: TestBridge;
let client: BridgeClient;
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
});
afterAll(() => bridge?.stop());

async function makeMultiRegion(keySpec: KeySpec = 'SYMMETRIC_DEFAULT', keyUsage: KeyUsage = 'ENCRYPT_DECRYPT'): Promise<KeyHandle> {
  const binding = { ...newBinding(), keyId: `mrk-${randomUUID().replaceAll('-', '')}` };
  return { binding, material: await client.generateKey({ binding, keySpec, keyUsage, origin: 'AWS_KMS' }) };
}
const replicaOf = async (key: KeyHandle): Promise<KeyHandle> => ({ binding: { ...key.binding, region: elsewhere }, material: await client.rebindKey(key, elsewhere) });

test('what one Region encrypts the other decrypts, and the row differs in its Region and its tag alone', async () => {
  const key = await makeMultiRegion();
  const replica = await replicaOf(key);

  const parts = await client.encrypt({ key, algorithm: 'SYMMETRIC_DEFAULT' }, Buffer.from('hello'));

  expect(Buffer.from(await client.decrypt({ key: replica, algorithm: 'SYMMETRIC_DEFAULT' }, parts)).toString()).toBe('hello');
  expect({ ...replica.material, region: key.material.region, tag: key.material.tag }).toEqual(key.material);
  expect(replica.material.tag).not.toBe(key.material.tag);
});

test.each<[KeySpec, 'ECDSA_SHA_256' | 'ED25519_SHA_512' | 'ML_DSA_SHAKE_256']>([
  ['ECC_NIST_P256', 'ECDSA_SHA_256'],
  ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512'],
  ['ML_DSA_44', 'ML_DSA_SHAKE_256'],
])('a signature of the replica of a %s key verifies under the primary', async (keySpec, algorithm) => {
  const key = await makeMultiRegion(keySpec, 'SIGN_VERIFY');
  const replica = await replicaOf(key);

  const signature = await client.sign(replica, algorithm, 'RAW', Buffer.from('m'));

  expect(await client.verify(key, algorithm, 'RAW', Buffer.from('m'), signature)).toBe(true);
});

test('a row that was moved by hand, or whose new row is taken for another Region, is refused', async () => {
  const key = await makeMultiRegion();
  const replica = await replicaOf(key);
  const moved: KeyHandle = { binding: replica.binding, material: { ...key.material, region: elsewhere } };
  const forged: KeyHandle = { ...key, material: { ...key.material, wrapped: Buffer.from(randomBytes(40)).toString('base64') } };
  const taken: KeyHandle = { binding: key.binding, material: replica.material };

  for (const handle of [moved, taken])
    await expect(client.encrypt({ key: handle, algorithm: 'SYMMETRIC_DEFAULT' }, Buffer.from('x'))).rejects.toMatchObject({ code: 'material-refused' });
  for (const handle of [moved, forged, taken]) await expect(client.rebindKey(handle, 'us-east-1')).rejects.toMatchObject({ code: 'material-refused' });
});

test('a single-Region key, the same Region and a name that is no Region are refused', async () => {
  const single = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  const key = await makeMultiRegion();

  await expect(client.rebindKey(single, elsewhere)).rejects.toMatchObject({ code: 'invalid-request' });
  await expect(client.rebindKey(key, key.binding.region)).rejects.toMatchObject({ code: 'invalid-request' });
  await expect(client.rebindKey(key, 'Not A Region')).rejects.toMatchObject({ code: 'invalid-request' });
});

test.each(['crypto', 'reader', 'audit'] as const)('the caller class %s may not rebind', async (callerClass) => {
  const other = await bridge.client(callerClass);

  await expect(other.rebindKey(await makeMultiRegion(), elsewhere)).rejects.toMatchObject({ code: 'forbidden' });
  other.close();
});
