/** Algorithms that run on a seed which the HSM made and sealed, on a real bridge and a real token. */
import { createHash, createPublicKey, encapsulate, type KeyObject, randomBytes, verify } from 'node:crypto';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeKeySpec, describeSeedSpec, isSeedSpec, type KeySpec, keySpecs } from '#shared/algorithms/key-specs.ts';
import { type MessageType, signingDescriptors } from '#shared/algorithms/signing.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { keyMaterialSchema } from '#shared/keys/material-schema.ts';
import type { KeyHandle } from '#shared/ports/crypto.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { makeKey } from './keys.ts';

let bridge: TestBridge;
let client: BridgeClient;
const made = new Map<KeySpec, KeyHandle>();
const seedSpecs = keySpecs.filter(isSeedSpec);
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
  for (const spec of seedSpecs) made.set(spec, await makeKey(client, spec, describeKeySpec(spec).usages[0]!));
});
afterAll(() => bridge?.stop());

const publicKeyOf = (handle: KeyHandle): KeyObject => createPublicKey({ key: Buffer.from(handle.material.publicKey ?? '', 'base64'), format: 'der', type: 'spki' });
const flipped = (bytes: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
};

test.each(seedSpecs)('%s: the row says that its seed is sealed, and holds the public key of the spec', (spec) => {
  const { material } = made.get(spec)!;

  expect(keyMaterialSchema.parse(material)).toMatchObject({ keySpec: spec, protection: 'HSM_SEALED_SEED', wrapMechanism: 'AES_GCM_SEED', epoch: 1 });
  expect(publicKeyOf(made.get(spec)!).asymmetricKeyType).toBe(describeSeedSpec(spec).nodeType);
  // IV, seed, tag.
  expect(Buffer.from(material.wrapped, 'base64').length).toBe(12 + describeSeedSpec(spec).seedBytes + 16);
});

/** FIPS 204 section 6.2: mu = H(H(pk, 64) || 0 || len(ctx) || ctx || M, 64). */
function externalMu(rawPublicKey: Uint8Array, message: Uint8Array): Buffer {
  const shake = (bytes: Uint8Array) => createHash('shake256', { outputLength: 64 }).update(bytes).digest();
  return shake(Buffer.concat([shake(rawPublicKey), Buffer.of(0, 0), message]));
}
const rawPublicKey = (handle: KeyHandle): Buffer => {
  const { x, pub } = publicKeyOf(handle).export({ format: 'jwk' }) as { x?: string; pub?: string };
  return Buffer.from(x ?? pub ?? '', 'base64url');
};

const cases = seedSpecs.flatMap((spec) =>
  (describeKeySpec(spec).signingAlgorithms ?? []).flatMap((algorithm) =>
    (Object.keys(signingDescriptors[algorithm].messageTypes) as MessageType[]).map((messageType) => ({ spec, algorithm, messageType })),
  ),
);

test.each(cases)(
  '$spec $algorithm over $messageType is what another implementation verifies, and the bridge verifies it and nothing else',
  async ({ spec, algorithm, messageType }) => {
    const handle = made.get(spec)!;
    const original = randomBytes(900);
    const message = { RAW: original, DIGEST: createHash('sha512').update(original).digest(), EXTERNAL_MU: externalMu(rawPublicKey(handle), original) }[messageType];

    const signature = await client.sign(handle, algorithm, messageType, message);

    // A mu signature is an ordinary one of the message; Ed25519ph hashes the digest that it is given once more.
    if (algorithm === 'ED25519_PH_SHA_512') expect(ed25519ph.verify(signature, message, rawPublicKey(handle))).toBe(true);
    else expect(verify(null, original, publicKeyOf(handle), signature)).toBe(true);
    expect(await client.verify(handle, algorithm, messageType, message, signature)).toBe(true);
    expect(await client.verify(handle, algorithm, messageType, flipped(message, 3), signature)).toBe(false);
    expect(await client.verify(handle, algorithm, messageType, message, flipped(signature, 1))).toBe(false);
    expect(await client.verify(handle, algorithm, messageType, message, signature.subarray(1))).toBe(false);
    expect(await client.verify(handle, algorithm, messageType, message, Buffer.concat([signature, Buffer.of(0)]))).toBe(false);
  },
);

test.each(['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'] as const)('%s: a signature of node:crypto and one of the second implementation verify as each other', async (spec) => {
  const handle = made.get(spec)!;
  const message = randomBytes(50);
  const implementation = { ML_DSA_44: ml_dsa44, ML_DSA_65: ml_dsa65, ML_DSA_87: ml_dsa87 }[spec];

  const first = await client.sign(handle, 'ML_DSA_SHAKE_256', 'RAW', message);
  const second = await client.sign(handle, 'ML_DSA_SHAKE_256', 'RAW', message);

  expect(implementation.verify(first, message, rawPublicKey(handle))).toBe(true);
  expect(await client.verify(handle, 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', externalMu(rawPublicKey(handle), message), first)).toBe(true);
  expect(Buffer.from(first).equals(second), 'hedged signatures differ').toBe(false);
});

test.each([
  ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', 'DIGEST', 64],
  ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', 'EXTERNAL_MU', 64],
  ['ECC_NIST_EDWARDS25519', 'ED25519_PH_SHA_512', 'RAW', 64],
  ['ECC_NIST_EDWARDS25519', 'ED25519_PH_SHA_512', 'DIGEST', 32],
  ['ML_DSA_44', 'ML_DSA_SHAKE_256', 'DIGEST', 64],
  ['ML_DSA_44', 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', 63],
  ['ML_DSA_44', 'ED25519_SHA_512', 'RAW', 64],
] as const)('%s with %s over %s of %i bytes is refused by the bridge itself', async (spec, algorithm, messageType, length) => {
  const handle = made.get(spec)!;

  await expect(client.sign(handle, algorithm, messageType, randomBytes(length))).rejects.toMatchObject({ code: 'invalid-request' });
  await expect(client.verify(handle, algorithm, messageType, randomBytes(length), randomBytes(64))).rejects.toMatchObject({ code: 'invalid-request' });
});

describe.each(['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024'] as const)('%s', (spec) => {
  test('decapsulates its own encapsulations and those of another implementation', async () => {
    const handle = made.get(spec)!;

    const own = await client.encapsulate(handle);
    const foreign = encapsulate(publicKeyOf(handle));

    expect(own.ciphertext.length).toBe(describeSeedSpec(spec).encapsulationBytes);
    expect(Buffer.from(await client.decapsulate(handle, own.ciphertext))).toEqual(Buffer.from(own.sharedSecret));
    expect(Buffer.from(await client.decapsulate(handle, foreign.ciphertext))).toEqual(foreign.sharedKey);
  });

  test('rejects implicitly: an altered ciphertext gives another secret, always the same one; only a wrong length is an error', async () => {
    const handle = made.get(spec)!;
    const { sharedSecret, ciphertext } = await client.encapsulate(handle);

    const altered = await client.decapsulate(handle, flipped(ciphertext, 7));

    expect(altered.length).toBe(32);
    expect(Buffer.from(altered).equals(sharedSecret)).toBe(false);
    expect(Buffer.from(await client.decapsulate(handle, flipped(ciphertext, 7)))).toEqual(Buffer.from(altered));
    for (const wrong of [ciphertext.subarray(1), Buffer.concat([ciphertext, Buffer.of(0)]), Buffer.of(1)]) {
      await expect(client.decapsulate(handle, wrong)).rejects.toMatchObject({ code: 'invalid-ciphertext' });
    }
  });
});

test('a row that is swapped, retyped or edited is refused and reported before its seed is opened', async () => {
  const handle = made.get('ECC_NIST_EDWARDS25519')!;
  const other = await makeKey(client, 'ECC_NIST_EDWARDS25519', 'SIGN_VERIFY');
  const symmetric = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  const { material } = handle;
  const forged: KeyMaterial[] = [
    { ...material, wrapped: other.material.wrapped },
    { ...material, publicKey: other.material.publicKey },
    { ...material, keySpec: 'ML_DSA_44' },
    { ...material, protection: 'HSM' },
    { ...material, wrapMechanism: 'AES_KWP' },
    { ...material, keySpec: 'SYMMETRIC_DEFAULT', keyUsage: 'ENCRYPT_DECRYPT', wrapMechanism: 'AES_KWP' },
    { ...material, wrapped: symmetric.material.wrapped, wrapMechanism: 'AES_KWP', keySpec: 'SYMMETRIC_DEFAULT', keyUsage: 'ENCRYPT_DECRYPT' },
    { ...material, version: 2 },
    other.material,
  ];

  for (const row of forged) await expect(client.sign({ ...handle, material: row }, 'ED25519_SHA_512', 'RAW', Buffer.from('x'))).rejects.toMatchObject({ code: 'material-refused' });
  // The lines come over the pipe of another process.
  await expect.poll(() => bridge.log.filter(({ event }) => event === 'material-refused').length).toBeGreaterThanOrEqual(forged.length);
  expect((await client.sign(handle, 'ED25519_SHA_512', 'RAW', Buffer.from('x'))).length).toBe(64);
});

test('a seed key is refused for everything that is not its usage, and never taken for a key of the HSM', async () => {
  const kem = made.get('ML_KEM_768')!;
  const signing = made.get('ML_DSA_44')!;
  const side = { key: kem, algorithm: 'SYMMETRIC_DEFAULT' } as const;

  const calls = [
    client.encrypt(side, Buffer.from('x')),
    client.decrypt(side, { iv: randomBytes(12), ciphertext: randomBytes(40) }),
    client.generateDataKey(side, 32, true),
    client.generateDataKeyPair(side, 'ECC_NIST_P256', true),
    client.generateMac(kem, 'HMAC_SHA_256', Buffer.from('x')),
    client.deriveSharedSecret(signing, randomBytes(91)),
    client.sign(kem, 'ML_DSA_SHAKE_256', 'RAW', Buffer.from('x')),
    client.encapsulate(signing),
    client.decapsulate(signing, randomBytes(768)),
  ];

  for (const result of await Promise.allSettled(calls)) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'invalid-request' } });
});

test('sealed seeds survive a restart of the bridge', async () => {
  const handle = made.get('ML_DSA_65')!;
  const signature = await client.sign(handle, 'ML_DSA_SHAKE_256', 'RAW', Buffer.from('before'));

  await bridge.restart();

  expect(await client.verify(handle, 'ML_DSA_SHAKE_256', 'RAW', Buffer.from('before'), signature)).toBe(true);
  expect(verify(null, Buffer.from('after'), publicKeyOf(handle), await client.sign(handle, 'ML_DSA_SHAKE_256', 'RAW', Buffer.from('after')))).toBe(true);
});
