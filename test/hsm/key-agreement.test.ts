import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ecPointInfo } from '#bridge/der.ts';
import { describeKeySpec, type EcSpec } from '#shared/algorithms/key-specs.ts';
import type { KeyHandle } from '#shared/ports/crypto.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { makeKey } from './keys.ts';

const specs = ['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521'] as const;
let bridge: TestBridge;
let client: BridgeClient;
const made = new Map<string, KeyHandle>();
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
  for (const spec of specs) made.set(spec, await makeKey(client, spec, 'KEY_AGREEMENT'));
});
afterAll(() => bridge?.stop());

const spki = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' });
const own = (handle: KeyHandle): KeyObject => createPublicKey({ key: Buffer.from(handle.material.publicKey ?? '', 'base64'), format: 'der', type: 'spki' });
const curveOf = (spec: (typeof specs)[number]): string => (describeKeySpec(spec) as EcSpec).curve;

describe.each(specs)('%s', (spec) => {
  test('derives what the other side derives, as wide as the field, leading zeros included', async () => {
    const handle = made.get(spec)!;
    // One secret in 256 starts with a zero byte.
    for (let round = 0; round < 300; round++) {
      const other = generateKeyPairSync('ec', { namedCurve: curveOf(spec) });

      const secret = await client.deriveSharedSecret(handle, spki(other.publicKey));

      expect(Buffer.from(secret)).toEqual(diffieHellman({ privateKey: other.privateKey, publicKey: own(handle) }));
      expect(secret.length).toBe((describeKeySpec(spec) as EcSpec).orderBytes);
    }
  });

  test('refuses a public key that is of another curve, off the curve, at infinity, explicit, private or not DER', async () => {
    const handle = made.get(spec)!;
    const good = spki(generateKeyPairSync('ec', { namedCurve: curveOf(spec) }).publicKey);
    const offCurve = Buffer.from(good);
    offCurve[offCurve.length - 1]! ^= 1;
    const infinity = ecPointInfo((describeKeySpec(spec) as EcSpec).oidDer, Buffer.of(0));
    const explicit = generateKeyPairSync('ec', { namedCurve: curveOf(spec), paramEncoding: 'explicit' });
    const otherCurve = generateKeyPairSync('ec', { namedCurve: spec === 'ECC_NIST_P256' ? 'secp256k1' : 'prime256v1' });

    const wrong = [
      offCurve,
      infinity,
      spki(explicit.publicKey),
      spki(otherCurve.publicKey),
      spki(generateKeyPairSync('x25519').publicKey),
      spki(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
      explicit.privateKey.export({ format: 'der', type: 'pkcs8' }),
      Buffer.concat([good, Buffer.of(0)]),
      good.subarray(0, good.length - 1),
      Buffer.from('not a key'),
      Buffer.alloc(8192, 0x30),
    ];

    for (const publicKey of wrong) await expect(client.deriveSharedSecret(handle, publicKey)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test('signs nothing, and a signing key agrees on nothing', async () => {
    const signing = await makeKey(client, spec, 'SIGN_VERIFY');
    const peer = spki(own(signing));

    await expect(client.deriveSharedSecret(signing, peer)).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(client.sign(made.get(spec)!, describeKeySpec(spec).signingAlgorithms![0]!, 'RAW', Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

test('secp256k1 keys are not made for key agreement', async () => {
  await expect(makeKey(client, 'ECC_SECG_P256K1', 'KEY_AGREEMENT')).rejects.toMatchObject({ code: 'invalid-request' });
});

test('the same two keys give the same secret, two thousand times at once', async () => {
  const handle = made.get('ECC_NIST_P256')!;
  const peer = spki(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey);

  const secrets = await Promise.all(Array.from({ length: 2000 }, (_, at) => at).map(() => client.deriveSharedSecret(handle, peer)));

  expect(new Set(secrets.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1);
});
