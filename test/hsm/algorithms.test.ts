import { constants, createHash, createHmac, createPublicKey, publicEncrypt, randomBytes, verify } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { oaepHashes, plaintextLimit } from '#shared/algorithms/encryption.ts';
import { describeKeySpec, type KeySpec, keySpecs } from '#shared/algorithms/key-specs.ts';
import { macDescriptors } from '#shared/algorithms/mac.ts';
import { describeDigestSigning } from '#shared/algorithms/signing.ts';
import { keyMaterialSchema } from '#shared/keys/material-schema.ts';
import type { KeyHandle } from '#shared/ports/crypto.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { makeKey } from './keys.ts';

let bridge: TestBridge;
let client: BridgeClient;
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client();
});
afterAll(() => bridge?.stop());

/** RSA_3072 and RSA_4096 take seconds to make: one key each, for all tests. */
const made = new Map<string, Promise<KeyHandle>>();
function key(spec: KeySpec, usage = describeKeySpec(spec).usages[0]!): Promise<KeyHandle> {
  const name = `${spec} ${usage}`;
  const known = made.get(name) ?? makeKey(client, spec, usage);
  made.set(name, known);
  return known;
}

/** Sealed seeds have a test of their own: sealed-seeds.test.ts. */
const hsmSpecs = keySpecs.filter((spec) => describeKeySpec(spec).protection === 'HSM');
const signing = hsmSpecs.flatMap((spec) =>
  (describeKeySpec(spec).signingAlgorithms ?? []).flatMap((algorithm) => (['RAW', 'DIGEST'] as const).map((messageType) => ({ spec, algorithm, messageType }))),
);
const encrypting = keySpecs.flatMap((spec) => (describeKeySpec(spec).encryptionAlgorithms ?? []).map((algorithm) => ({ spec, algorithm })));
const authenticating = keySpecs.flatMap((spec) => (describeKeySpec(spec).macAlgorithms ?? []).map((algorithm) => ({ spec, algorithm })));

test.each(hsmSpecs.filter((spec) => !['RSA_3072'].includes(spec)))('%s material is well-formed, claims what was asked for and holds a public key of the spec', async (spec) => {
  const { material } = await key(spec);

  const parsed = keyMaterialSchema.parse(material);

  const descriptor = describeKeySpec(spec);
  expect(parsed).toMatchObject({ keySpec: spec, epoch: 1, protection: 'HSM', origin: 'AWS_KMS' });
  const publicKey = parsed.publicKey === undefined ? undefined : createPublicKey({ key: Buffer.from(parsed.publicKey, 'base64'), format: 'der', type: 'spki' });
  expect(publicKey?.asymmetricKeyDetails?.namedCurve).toBe(descriptor.kind === 'ec' ? descriptor.curve : undefined);
  expect(publicKey?.asymmetricKeyDetails?.modulusLength).toBe(descriptor.kind === 'rsa' ? descriptor.modulusBits : undefined);
});

test.each(signing)('$spec $algorithm over a $messageType is what node:crypto verifies, and the bridge verifies it and nothing else', async ({ spec, algorithm, messageType }) => {
  const handle = await key(spec, 'SIGN_VERIFY');
  const { scheme, hash, digestBytes } = describeDigestSigning(algorithm);
  const original = randomBytes(777);
  const message = messageType === 'RAW' ? original : createHash(hash).update(original).digest();
  const publicKey = createPublicKey({ key: Buffer.from(await client.getPublicKey(handle)), format: 'der', type: 'spki' });

  const signature = await client.sign(handle, algorithm, messageType, message);

  const padding = scheme === 'RSASSA_PSS' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digestBytes } : {};
  expect(verify(hash, original, { key: publicKey, ...padding }, signature)).toBe(true);
  expect(await client.verify(handle, algorithm, messageType, message, signature)).toBe(true);
  expect(await client.verify(handle, algorithm, messageType, flipped(message, 0), signature)).toBe(false);
  expect(await client.verify(handle, algorithm, messageType, message, flipped(signature, signature.length - 1))).toBe(false);
  expect(await client.verify(handle, algorithm, messageType, message, signature.subarray(1))).toBe(false);
});

test('an RSASSA-PSS signature that lacks its leading zero byte is refused, though OpenSSL takes it', async () => {
  const handle = await key('RSA_2048', 'SIGN_VERIFY');
  const publicKey = createPublicKey({ key: Buffer.from(await client.getPublicKey(handle)), format: 'der', type: 'spki' });
  const message = Buffer.from('one signature in 256 begins with a zero');
  let signature = await client.sign(handle, 'RSASSA_PSS_SHA_256', 'RAW', message);
  for (let tries = 0; tries < 10_000 && signature[0] !== 0; tries++) signature = await client.sign(handle, 'RSASSA_PSS_SHA_256', 'RAW', message);
  const cut = signature.subarray(1);

  const answers = [await client.verify(handle, 'RSASSA_PSS_SHA_256', 'RAW', message, signature), await client.verify(handle, 'RSASSA_PSS_SHA_256', 'RAW', message, cut)];

  expect(verify('sha256', message, { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, cut)).toBe(true);
  expect(answers).toEqual([true, false]);
});

test.each(encrypting)('$spec $algorithm encrypts up to the limit of the algorithm and decrypts it again', async ({ spec, algorithm }) => {
  const handle = await key(spec, 'ENCRYPT_DECRYPT');
  const side = { key: handle, algorithm, ...(algorithm === 'SYMMETRIC_DEFAULT' ? { aad: randomBytes(54) } : {}) };
  const limit = plaintextLimit(spec, algorithm);
  for (const plaintext of [randomBytes(1), randomBytes(limit)]) {
    const parts = await client.encrypt(side, plaintext);
    const decrypted = await client.decrypt(side, parts);

    expect(Buffer.from(decrypted)).toEqual(plaintext);
  }
  await expect(client.encrypt(side, randomBytes(limit + 1))).rejects.toMatchObject({ code: 'invalid-request' });
});

test.each(encrypting.filter(({ algorithm }) => algorithm !== 'SYMMETRIC_DEFAULT'))(
  '$spec $algorithm decrypts what another implementation encrypted, and refuses every changed byte alike',
  async ({ spec, algorithm }) => {
    const handle = await key(spec, 'ENCRYPT_DECRYPT');
    const side = { key: handle, algorithm };
    const publicKey = createPublicKey({ key: Buffer.from(await client.getPublicKey(handle)), format: 'der', type: 'spki' });
    const { hash: oaepHash } = oaepHashes[algorithm as 'RSAES_OAEP_SHA_1'];
    const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, Buffer.from('secret'));
    const none = new Uint8Array(0);

    expect(Buffer.from(await client.decrypt(side, { iv: none, ciphertext }))).toEqual(Buffer.from('secret'));
    const wrong = [...ciphertext.keys()].filter((at) => at % 16 === 0).map((at) => flipped(ciphertext, at));
    for (const changed of [...wrong, ciphertext.subarray(1), Buffer.alloc(ciphertext.length, 0xff), Buffer.alloc(ciphertext.length)]) {
      await expect(client.decrypt(side, { iv: none, ciphertext: changed })).rejects.toMatchObject({ code: 'invalid-ciphertext', message: 'the ciphertext does not fit' });
    }
  },
);

test.each(authenticating)('$spec makes MACs of the right length that it verifies, and no other', async ({ spec, algorithm }) => {
  const handle = await key(spec);
  const message = randomBytes(4096);

  const mac = await client.generateMac(handle, algorithm, message);

  expect(mac.length).toBe(macDescriptors[algorithm].macBytes);
  expect(await client.verifyMac(handle, algorithm, message, mac)).toBe(true);
  expect(await client.verifyMac(handle, algorithm, message, flipped(mac, 0))).toBe(false);
  expect(await client.verifyMac(handle, algorithm, message, mac.subarray(1))).toBe(false);
  expect(await client.verifyMac(handle, algorithm, flipped(message, 9), mac)).toBe(false);
  expect(Buffer.from(mac)).not.toEqual(createHmac(macDescriptors[algorithm].hash, Buffer.alloc(0)).update(message).digest());
});

test('a data key decrypts to its plaintext, and comes without plaintext when none is wanted', async () => {
  const side = { key: await key('SYMMETRIC_DEFAULT'), algorithm: 'SYMMETRIC_DEFAULT', aad: randomBytes(54) } as const;

  const withPlaintext = await client.generateDataKey(side, 32, true);
  const without = await client.generateDataKey(side, 1024, false);

  expect(Buffer.from(await client.decrypt(side, withPlaintext))).toEqual(Buffer.from(withPlaintext.plaintext!));
  expect(without).not.toHaveProperty('plaintext');
  expect((await client.decrypt(side, without)).length).toBe(1024);
});

const aes = (handle: KeyHandle) => ({ key: handle, algorithm: 'SYMMETRIC_DEFAULT', aad: Buffer.from('a') }) as const;
const rsa = (handle: KeyHandle) => ({ key: handle, algorithm: 'RSAES_OAEP_SHA_256' }) as const;

test('re-encryption moves a plaintext between keys of every kind', async () => {
  const first = aes(await key('SYMMETRIC_DEFAULT'));
  const second = { ...aes(await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')), aad: Buffer.from('b') };
  const third = rsa(await key('RSA_2048', 'ENCRYPT_DECRYPT'));
  const plaintext = randomBytes(100);

  const atFirst = await client.encrypt(first, plaintext);
  const atSecond = await client.reEncrypt(first, atFirst, second);
  const atThird = await client.reEncrypt(second, atSecond, third);
  const back = await client.reEncrypt(third, atThird, first);

  expect(Buffer.from(await client.decrypt(first, back))).toEqual(plaintext);
  await expect(client.reEncrypt(second, atFirst, first)).rejects.toMatchObject({ code: 'invalid-ciphertext' });
});

test("a plaintext that is too long for the RSA key it moves to is the request's fault, at the first byte too many", async () => {
  const source = aes(await key('SYMMETRIC_DEFAULT'));
  const destination = rsa(await key('RSA_2048', 'ENCRYPT_DECRYPT'));
  const limit = plaintextLimit('RSA_2048', destination.algorithm);
  const longest = await client.encrypt(source, randomBytes(limit));
  const longer = await client.encrypt(source, randomBytes(limit + 1));

  await client.reEncrypt(source, longest, destination);
  await expect(client.reEncrypt(source, longer, destination)).rejects.toMatchObject({ code: 'invalid-request' });
});

test('an audit signature verifies with the public key that the ceremony reported', async () => {
  const record = randomBytes(500);

  const signature = await client.signAudit(createHash('sha384').update(record).digest());

  const publicKey = createPublicKey({ key: bridge.token.auditPublicKey, format: 'der', type: 'spki' });
  expect(verify('sha384', record, publicKey, signature)).toBe(true);
});

test('no IV comes twice', async () => {
  const side = aes(await key('SYMMETRIC_DEFAULT'));

  const parts = await Promise.all(Array.from({ length: 500 }, () => client.encrypt(side, Buffer.from('x'))));

  expect(new Set(parts.map(({ iv }) => Buffer.from(iv).toString('hex'))).size).toBe(500);
});

test('every changed byte of an AES-GCM ciphertext, IV or additional data is refused', async () => {
  const side = aes(await key('SYMMETRIC_DEFAULT'));
  const { iv, ciphertext } = await client.encrypt(side, randomBytes(48));

  const wrong = [
    ...[...ciphertext.keys()].map((at) => client.decrypt(side, { iv, ciphertext: flipped(ciphertext, at) })),
    ...[...iv.keys()].map((at) => client.decrypt(side, { iv: flipped(iv, at), ciphertext })),
    client.decrypt({ ...side, aad: Buffer.from('b') }, { iv, ciphertext }),
    client.decrypt({ key: side.key, algorithm: side.algorithm }, { iv, ciphertext }),
    client.decrypt(side, { iv, ciphertext: ciphertext.subarray(0, 15) }),
    client.decrypt(side, { iv: iv.subarray(1), ciphertext }),
  ];

  for (const result of await Promise.allSettled(wrong)) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'invalid-ciphertext' } });
  expect((await client.decrypt(side, { iv, ciphertext })).length).toBe(48);
});

function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}
