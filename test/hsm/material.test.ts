import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { KeyMaterial } from '#shared/keys/material.ts';
import type { KeyHandle } from '#shared/ports/crypto.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { makeKey } from './keys.ts';

let bridge: TestBridge;
let client: BridgeClient;
let aes: KeyHandle;
let otherAes: KeyHandle;
let rsa: KeyHandle;
let rsaForSigning: KeyHandle;
let ec: KeyHandle;
let mac: KeyHandle;
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
  aes = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  otherAes = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  rsa = await makeKey(client, 'RSA_2048', 'ENCRYPT_DECRYPT');
  rsaForSigning = await makeKey(client, 'RSA_2048', 'SIGN_VERIFY');
  ec = await makeKey(client, 'ECC_NIST_P256', 'SIGN_VERIFY');
  mac = await makeKey(client, 'HMAC_256', 'GENERATE_VERIFY_MAC');
});
afterAll(() => bridge?.stop());

const encrypt = (key: KeyHandle) => client.encrypt({ key, algorithm: 'SYMMETRIC_DEFAULT' }, Buffer.from('x'));
const edited = (handle: KeyHandle, change: Partial<KeyMaterial>): KeyHandle => ({ ...handle, material: { ...handle.material, ...change } });
const flipped = (base64: string, at: number): string => {
  const bytes = Buffer.from(base64, 'base64');
  bytes[at]! ^= 0x40;
  return bytes.toString('base64');
};
const refused = { code: 'material-refused' };

test.each<[string, Partial<KeyMaterial>]>([
  ['another key spec', { keySpec: 'HMAC_256' }],
  ['another usage', { keyUsage: 'SIGN_VERIFY' }],
  ['another origin', { origin: 'EXTERNAL' }],
  ['another protection level', { protection: 'HSM_SEALED_SEED' }],
  ['an epoch that has no keys', { epoch: 2 }],
  ['another creation time', { createdAt: 1 }],
  ['a public key', { publicKey: 'AAAA' }],
  ['no blob', { wrapped: 'AAAA' }],
  ['an empty tag', { tag: 'AAAA' }],
])('material edited to have %s is refused and alarmed, without naming the reason to the caller', async (_, change) => {
  const before = bridge.log.length;

  await expect(encrypt(edited(aes, change))).rejects.toMatchObject({ ...refused, message: 'the key material is refused' });

  const alarm = await vi.waitUntil(() => bridge.log.slice(before).find((entry) => entry.event === 'material-refused'));
  expect(alarm).toMatchObject({ keyId: aes.binding.keyId });
  expect(JSON.stringify(alarm)).not.toContain(aes.material.wrapped);
});

test.each<[string, Partial<KeyHandle['binding']>]>([
  ['account', { account: '999988887777' }],
  ['region', { region: 'us-east-1' }],
  ['key id', { keyId: randomUUID() }],
  ['version', { version: 2 }],
])('material of one %s is refused for another, whether the caller or the row claims it', async (_, change) => {
  const binding = { ...aes.binding, ...change };

  await expect(encrypt({ binding, material: aes.material })).rejects.toMatchObject(refused);
  await expect(encrypt({ binding: aes.binding, material: { ...aes.material, ...change } })).rejects.toMatchObject(refused);
  await expect(encrypt({ binding, material: { ...aes.material, ...change } })).rejects.toMatchObject(refused);
});

test('every changed byte of the wrapped key and of the tag is refused', async () => {
  const blob = Buffer.from(aes.material.wrapped, 'base64');
  const tag = Buffer.from(aes.material.tag, 'base64');

  const results = await Promise.allSettled([
    ...[...blob.keys()].map((at) => encrypt(edited(aes, { wrapped: flipped(aes.material.wrapped, at) }))),
    ...[...tag.keys()].map((at) => encrypt(edited(aes, { tag: flipped(aes.material.tag, at) }))),
  ]);

  expect(results).toHaveLength(blob.length + tag.length);
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: refused });
});

test('the blob or the tag of one key does not serve another', async () => {
  await expect(encrypt(edited(aes, { wrapped: otherAes.material.wrapped }))).rejects.toMatchObject(refused);
  await expect(encrypt(edited(aes, { wrapped: otherAes.material.wrapped, tag: otherAes.material.tag }))).rejects.toMatchObject(refused);
  await expect(encrypt({ binding: aes.binding, material: otherAes.material })).rejects.toMatchObject(refused);
});

test('a swapped public key is refused wherever it would be used in software', async () => {
  const swapped = edited(rsa, { publicKey: rsaForSigning.material.publicKey });
  const swappedSigner = edited(rsaForSigning, { publicKey: rsa.material.publicKey });
  const message = Buffer.from('message');

  await expect(client.getPublicKey(swapped)).rejects.toMatchObject(refused);
  await expect(client.encrypt({ key: swapped, algorithm: 'RSAES_OAEP_SHA_256' }, message)).rejects.toMatchObject(refused);
  await expect(client.verify(swappedSigner, 'RSASSA_PSS_SHA_256', 'RAW', message, randomBytes(256))).rejects.toMatchObject(refused);
  await expect(client.getPublicKey(edited(rsa, { publicKey: undefined }))).rejects.toMatchObject(refused);
});

test('a retyped row gives no operation that the key was not made for', async () => {
  const none = new Uint8Array(0);

  await expect(client.generateMac(edited(aes, { keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' }), 'HMAC_SHA_256', Buffer.from('x'))).rejects.toMatchObject(refused);
  const side = { key: edited(rsaForSigning, { keyUsage: 'ENCRYPT_DECRYPT' }), algorithm: 'RSAES_OAEP_SHA_1' } as const;
  await expect(client.decrypt(side, { iv: none, ciphertext: randomBytes(256) })).rejects.toMatchObject(refused);
});

test('an authentic key refuses what its usage or its spec does not allow, and that is no alarm', async () => {
  const invalid = { code: 'invalid-request' };
  const none = new Uint8Array(0);
  const message = Buffer.from('message');

  await expect(client.decrypt({ key: rsaForSigning, algorithm: 'RSAES_OAEP_SHA_256' }, { iv: none, ciphertext: randomBytes(256) })).rejects.toMatchObject(invalid);
  await expect(client.sign(rsa, 'RSASSA_PSS_SHA_256', 'RAW', message)).rejects.toMatchObject(invalid);
  await expect(client.sign(ec, 'ECDSA_SHA_384', 'RAW', message)).rejects.toMatchObject(invalid);
  await expect(client.sign(ec, 'ECDSA_SHA_256', 'DIGEST', message)).rejects.toMatchObject(invalid);
  await expect(client.verify(rsaForSigning, 'ECDSA_SHA_256', 'RAW', message, message)).rejects.toMatchObject(invalid);
  await expect(client.generateMac(mac, 'HMAC_SHA_512', message)).rejects.toMatchObject(invalid);
  await expect(client.generateMac(aes, 'HMAC_SHA_256', message)).rejects.toMatchObject(invalid);
  await expect(client.encrypt({ key: aes, algorithm: 'RSAES_OAEP_SHA_256' }, message)).rejects.toMatchObject(invalid);
  await expect(client.encrypt({ key: rsa, algorithm: 'RSAES_OAEP_SHA_256', aad: message }, message)).rejects.toMatchObject(invalid);
  await expect(client.generateDataKey({ key: rsa, algorithm: 'RSAES_OAEP_SHA_256' }, 32, true)).rejects.toMatchObject(invalid);
  await expect(client.getPublicKey(aes)).rejects.toMatchObject(invalid);
  await expect(client.generateKey({ binding: aes.binding, keySpec: 'ECC_NIST_P256', keyUsage: 'ENCRYPT_DECRYPT', origin: 'AWS_KMS' })).rejects.toMatchObject(invalid);
  await expect(client.generateKey({ binding: aes.binding, keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC', origin: 'EXTERNAL' })).rejects.toMatchObject(invalid);

  expect(bridge.log.filter(({ keyId }) => keyId === ec.binding.keyId || keyId === mac.binding.keyId)).toEqual([]);
});

test('a refused row does not spoil the authentic one', async () => {
  await expect(encrypt(edited(aes, { createdAt: 2 }))).rejects.toMatchObject(refused);

  expect((await encrypt(aes)).iv.length).toBe(12);
});
