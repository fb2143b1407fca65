import { createPrivateKey, createPublicKey, decapsulate, encapsulate, randomBytes, sign, verify } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataKeyPairSpecs, describeKeySpec } from '#shared/algorithms/key-specs.ts';
import type { CipherSide } from '#shared/ports/crypto.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { makeKey } from './keys.ts';

let bridge: TestBridge;
let client: BridgeClient;
let side: CipherSide;
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
  side = { key: await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'), algorithm: 'SYMMETRIC_DEFAULT', aad: randomBytes(54) };
});
afterAll(() => bridge?.stop());

test.each(dataKeyPairSpecs)('%s: the private half is PKCS #8, decrypts from its ciphertext in whole, and belongs to the public half', async (spec) => {
  const pair = await client.generateDataKeyPair(side, spec, true);

  const decrypted = Buffer.from(await client.decrypt(side, pair));
  expect(decrypted).toEqual(Buffer.from(pair.privateKey!));
  const privateKey = createPrivateKey({ key: decrypted, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey({ key: Buffer.from(pair.publicKey), format: 'der', type: 'spki' });
  const descriptor = describeKeySpec(spec);
  expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(descriptor.kind === 'rsa' ? descriptor.modulusBits : undefined);
  expect(publicKey.asymmetricKeyDetails?.namedCurve).toBe(descriptor.kind === 'ec' ? descriptor.curve : undefined);
  expect(publicKey.asymmetricKeyType).toBe(descriptor.kind === 'seed' ? descriptor.nodeType : descriptor.kind);
  if (spec.startsWith('ML_KEM')) {
    const { sharedKey, ciphertext } = encapsulate(publicKey);
    expect(decapsulate(privateKey, ciphertext)).toEqual(sharedKey);
  } else {
    const hash = descriptor.kind === 'seed' ? null : 'sha256';
    expect(verify(hash, decrypted, publicKey, sign(hash, decrypted, privateKey))).toBe(true);
  }
});

test('an ML-KEM private half is its seed: the same length for every parameter set', async () => {
  const pairs = await Promise.all((['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024'] as const).map((spec) => client.generateDataKeyPair(side, spec, true)));

  // RFC 9935: PrivateKeyInfo { version, algorithm, OCTET STRING { [0] seed of 64 bytes } }.
  expect(pairs.map(({ privateKey }) => privateKey!.length)).toEqual([86, 86, 86]);
});

test('without plaintext the private half comes only sealed', async () => {
  const pair = await client.generateDataKeyPair(side, 'ECC_NIST_P256', false);

  expect(pair).not.toHaveProperty('privateKey');
  expect(createPrivateKey({ key: Buffer.from(await client.decrypt(side, pair)), format: 'der', type: 'pkcs8' }).asymmetricKeyType).toBe('ec');
});

test('RSA pairs in the making do not keep encryption waiting', async () => {
  const order: string[] = [];
  const pair = client.generateDataKeyPair(side, 'RSA_4096', false).then(() => order.push('pair'));

  for (let round = 0; round < 5; round++) await client.encrypt(side, Buffer.from('x')).then(() => order.push('encrypt'));
  await pair;

  expect(order).toEqual([...Array<string>(5).fill('encrypt'), 'pair']);
});

test('a pair is sealed only under a symmetric key, and only of an offered spec', async () => {
  const rsa = await makeKey(client, 'RSA_2048', 'ENCRYPT_DECRYPT');

  await expect(client.generateDataKeyPair({ key: rsa, algorithm: 'RSAES_OAEP_SHA_256' }, 'ECC_NIST_P256', true)).rejects.toMatchObject({ code: 'invalid-request' });
  await expect(client.generateDataKeyPair(side, 'ML_DSA_44', true)).rejects.toMatchObject({ code: 'invalid-request' });
  await expect(client.generateDataKeyPair(side, 'SYMMETRIC_DEFAULT', true)).rejects.toMatchObject({ code: 'invalid-request' });
});
