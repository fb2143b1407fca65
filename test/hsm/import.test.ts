import { createHmac, createPrivateKey, encapsulate, generateKeyPairSync, type KeyObject, randomBytes, randomUUID, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedPkcs8 } from '#bridge/driver/seed-keys.ts';
import { describeKeySpec, describeSeedSpec, type KeySpec, type KeyUsage, keySpecs } from '#shared/algorithms/key-specs.ts';
import { macDescriptors } from '#shared/algorithms/mac.ts';
import { describeDigestSigning } from '#shared/algorithms/signing.ts';
import { canWrap, type WrappingAlgorithm, type WrappingKeySpec, wrappingAlgorithms, wrappingKeySpecs } from '#shared/algorithms/wrapping.ts';
import { importTokenValidMs } from '#shared/keys/import-token.ts';
import type { Crypto, ImportKeyRequest, KeyHandle } from '#shared/ports/crypto.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { wrapMaterial } from '#test/support/wrap-material.ts';

let bridge: TestBridge;
let client: BridgeClient;
beforeAll(async () => {
  bridge = await startTestBridge();
  client = await bridge.client('lifecycle');
});
afterAll(() => bridge?.stop());

const owner = { account: '111122223333', region: 'eu-central-1' } as const;

interface Parameters {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  readonly token: Uint8Array;
}

async function newParameters(wrappingAlgorithm: WrappingAlgorithm, wrappingKeySpec: WrappingKeySpec = 'RSA_2048', keyId: string = randomUUID()): Promise<Parameters> {
  const validTo = Date.now() + importTokenValidMs;
  return { keyId, ...(await client.importParameters({ ...owner, keyId, wrappingAlgorithm, wrappingKeySpec, validTo })) };
}

/** One per algorithm: making RSA keys is slow. */
const shared = new Map<WrappingAlgorithm, Promise<Parameters>>();
function parametersFor(algorithm: WrappingAlgorithm): Promise<Parameters> {
  const known = shared.get(algorithm) ?? newParameters(algorithm, 'RSA_3072');
  shared.set(algorithm, known);
  return known;
}

const pairs = new Map<string, { privateKey: KeyObject; publicKey: KeyObject }>();
function pairOf(spec: KeySpec) {
  const descriptor = describeKeySpec(spec);
  const known = pairs.get(spec);
  if (known !== undefined) return known;
  if (descriptor.kind === 'aes' || descriptor.kind === 'hmac') throw new Error(`${spec} has no pair`);
  const made =
    descriptor.kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: descriptor.modulusBits })
      : descriptor.kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: descriptor.curve })
        : generateKeyPairSync(descriptor.nodeType as 'ed25519');
  pairs.set(spec, made);
  return made;
}

/** ML-DSA and ML-KEM keys come from OpenSSL with their expanded key, which only fits behind an AES key, and are cut down to the seed for RSA alone. */
function materialOf(spec: KeySpec, algorithm: WrappingAlgorithm = 'RSA_AES_KEY_WRAP_SHA_256'): Buffer {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind === 'aes' || descriptor.kind === 'hmac') return randomBytes(descriptor.keyBytes);
  const pkcs8 = pairOf(spec).privateKey.export({ format: 'der', type: 'pkcs8' });
  return descriptor.kind !== 'seed' || algorithm.startsWith('RSA_AES') ? pkcs8 : seedPkcs8(spec, seedOf(spec, pkcs8));
}

/** Of the last bytes (Ed25519), or behind the headers of the structure that holds seed and expanded key. */
function seedOf(spec: KeySpec, pkcs8: Buffer): Buffer {
  const { seedBytes, algorithmDer } = describeSeedSpec(spec);
  const at = spec === 'ECC_NIST_EDWARDS25519' ? pkcs8.length - seedBytes : 17 + algorithmDer.length / 2;
  return pkcs8.subarray(at, at + seedBytes);
}

const request = (parameters: Parameters, keySpec: KeySpec, encrypted: Uint8Array, more: Partial<ImportKeyRequest> = {}): ImportKeyRequest => ({
  ...owner,
  keyId: parameters.keyId,
  keySpec,
  keyUsage: describeKeySpec(keySpec).usages[0]!,
  token: parameters.token,
  encrypted,
  known: [],
  newVersion: 1,
  ...more,
});

const combinations = keySpecs.flatMap((spec) => wrappingAlgorithms.filter((algorithm) => canWrap(spec, algorithm, 'RSA_3072')).map((algorithm) => ({ spec, algorithm })));

/** That the bridge now holds the very key: shown with the caller's own copy. */
async function expectSameKey(user: Crypto, key: KeyHandle, material: Buffer): Promise<void> {
  const { keySpec } = key.material;
  const descriptor = describeKeySpec(keySpec);
  const message = randomBytes(100);
  if (descriptor.kind === 'hmac') {
    const algorithm = descriptor.macAlgorithms![0]!;
    expect(Buffer.from(await user.generateMac(key, algorithm, message))).toEqual(createHmac(macDescriptors[algorithm].hash, material).update(message).digest());
  } else if (descriptor.kind === 'aes') {
    const side = { key, algorithm: 'SYMMETRIC_DEFAULT', aad: Buffer.from('aad') } as const;
    const { iv, ciphertext } = await user.encrypt(side, message);
    const { subtle } = globalThis.crypto;
    const own = await subtle.importKey('raw', new Uint8Array(material), 'AES-GCM', false, ['decrypt']);
    const plaintext = await subtle.decrypt({ name: 'AES-GCM', iv: new Uint8Array(iv), additionalData: side.aad }, own, new Uint8Array(ciphertext));
    expect(Buffer.from(plaintext)).toEqual(message);
  } else {
    const [algorithm] = descriptor.signingAlgorithms ?? [];
    if (algorithm === undefined) {
      const { ciphertext, sharedKey } = encapsulate(pairOf(keySpec).publicKey);
      expect(Buffer.from(await user.decapsulate(key, ciphertext))).toEqual(sharedKey);
    } else {
      const signature = await user.sign(key, algorithm, 'RAW', message);
      expect(verify(descriptor.kind === 'seed' ? null : describeDigestSigning(algorithm).hash, message, pairOf(keySpec).publicKey, signature)).toBe(true);
    }
    expect(Buffer.from(await user.getPublicKey(key))).toEqual(pairOf(keySpec).publicKey.export({ format: 'der', type: 'spki' }));
  }
}

describe('every wrapping algorithm with every key spec', () => {
  test.each(combinations)('$spec under $algorithm is imported and is the very key', async ({ spec, algorithm }) => {
    const parameters = await parametersFor(algorithm);
    const material = materialOf(spec, algorithm);
    const keyUsage: KeyUsage = describeKeySpec(spec).kind === 'rsa' ? 'SIGN_VERIFY' : describeKeySpec(spec).usages[0]!;

    const imported = await client.importKey(request(parameters, spec, wrapMaterial(parameters.publicKey, algorithm, material), { keyUsage, newVersion: 3 }));

    expect(imported.material).toMatchObject({ keySpec: spec, keyUsage, origin: 'EXTERNAL', version: 3, protection: describeKeySpec(spec).protection });
    expect(imported.fingerprint.value).toMatch(/^[0-9a-f]{64}$/);
    const user = await bridge.client('crypto');
    await expectSameKey(user, { binding: { ...owner, keyId: parameters.keyId, version: 3 }, material: imported.material }, material);
  });

  test.each(wrappingKeySpecs)('a %s wrapping key', async (wrappingKeySpec) => {
    const parameters = await newParameters('RSAES_OAEP_SHA_256', wrappingKeySpec);

    const imported = await client.importKey(request(parameters, 'SYMMETRIC_DEFAULT', wrapMaterial(parameters.publicKey, 'RSAES_OAEP_SHA_256', randomBytes(32))));

    expect(imported.material.keySpec).toBe('SYMMETRIC_DEFAULT');
  });

  test.each([16, 24, 32])('RSA_AES_KEY_WRAP with an AES key of %i bytes', async (aesBytes) => {
    for (const algorithm of ['RSA_AES_KEY_WRAP_SHA_1', 'RSA_AES_KEY_WRAP_SHA_256'] as const) {
      const parameters = await parametersFor(algorithm);
      for (const spec of ['HMAC_224', 'ECC_NIST_P256'] as const) {
        const encrypted = wrapMaterial(parameters.publicKey, algorithm, materialOf(spec), randomBytes(aesBytes));

        expect((await client.importKey(request(parameters, spec, encrypted))).material.keySpec).toBe(spec);
      }
    }
  });
});

describe('the same material', () => {
  test('has the same fingerprint under one key id, whatever it was wrapped with, and another one under another id', async () => {
    const material = materialOf('SYMMETRIC_DEFAULT');
    const keyId = randomUUID();
    const seen: string[] = [];
    for (const algorithm of wrappingAlgorithms) {
      const parameters = await newParameters(algorithm, 'RSA_2048', keyId);
      seen.push((await client.importKey(request(parameters, 'SYMMETRIC_DEFAULT', wrapMaterial(parameters.publicKey, algorithm, material)))).fingerprint.value);
    }
    const other = await parametersFor('RSAES_OAEP_SHA_256');
    const elsewhere = await client.importKey(request(other, 'SYMMETRIC_DEFAULT', wrapMaterial(other.publicKey, 'RSAES_OAEP_SHA_256', material)));

    expect(new Set(seen).size).toBe(1);
    expect(elsewhere.fingerprint.value).not.toBe(seen[0]);
  });

  test.each(['SYMMETRIC_DEFAULT', 'HMAC_384', 'ECC_NIST_P256', 'RSA_2048', 'ECC_NIST_EDWARDS25519'] as const)(
    '%s: it is found among the known versions, and other material is refused',
    async (spec) => {
      const algorithm = 'RSA_AES_KEY_WRAP_SHA_256';
      const parameters = await parametersFor(algorithm);
      const encrypted = wrapMaterial(parameters.publicKey, algorithm, materialOf(spec));
      const first = await client.importKey(request(parameters, spec, encrypted));
      const known = [
        { version: 1, epoch: 1, value: 'a'.repeat(64) },
        { version: 2, ...first.fingerprint },
      ];

      const again = await client.importKey(request(parameters, spec, encrypted, { known, newVersion: undefined }));
      const asNew = client.importKey(request(parameters, spec, encrypted, { known, newVersion: 3 }));
      const unknown = client.importKey(request(parameters, spec, encrypted, { known: known.slice(0, 1), newVersion: undefined }));

      expect(again.material.version).toBe(2);
      await expect(asNew).rejects.toMatchObject({ code: 'incorrect-key-material' });
      await expect(unknown).rejects.toMatchObject({ code: 'incorrect-key-material' });
    },
  );
});

describe('material that is not what the key spec demands', () => {
  const wrongLengths = (['SYMMETRIC_DEFAULT', 'HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'] as const).flatMap((spec) => {
    const { keyBytes } = describeKeySpec(spec) as { keyBytes: number };
    return [16, 31, 33, keyBytes - 1, keyBytes + 1, keyBytes + 8].filter((bytes) => bytes !== keyBytes).map((bytes) => ({ spec, bytes }));
  });

  test.each(wrongLengths)('$spec of $bytes bytes is refused under every algorithm', async ({ spec, bytes }) => {
    for (const algorithm of wrappingAlgorithms) {
      const parameters = await parametersFor(algorithm);
      const attempt = client.importKey(request(parameters, spec, wrapMaterial(parameters.publicKey, algorithm, randomBytes(bytes))));

      // SoftHSM takes AES keys of 16, 24 and 32 bytes, and says only that it failed for others.
      await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^(incorrect-key-material|invalid-ciphertext)$/) });
    }
  });

  const p256 = pairOf('ECC_NIST_P256').privateKey.export({ format: 'der', type: 'pkcs8' });
  const rsa = pairOf('RSA_2048').privateKey.export({ format: 'der', type: 'pkcs8' });
  const ed25519 = materialOf('ECC_NIST_EDWARDS25519');
  const mlDsa = materialOf('ML_DSA_44');
  const cases: readonly (readonly [string, KeySpec, Buffer])[] = [
    ['an EC key of another curve', 'ECC_NIST_P384', p256],
    ['secp256k1 for P-256', 'ECC_NIST_P256', materialOf('ECC_SECG_P256K1')],
    ['an RSA key of another size', 'RSA_3072', rsa],
    ['an EC key for an RSA spec', 'RSA_2048', p256],
    ['an RSA key for an EC spec', 'ECC_NIST_P256', rsa],
    ['an Ed25519 key for an EC spec', 'ECC_NIST_P256', generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' })],
    ['an RSA-PSS key', 'RSA_2048', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey.export({ format: 'der', type: 'pkcs8' })],
    ['bytes behind the key', 'ECC_NIST_P256', Buffer.concat([p256, Buffer.of(0)])],
    ['bytes behind an RSA key', 'RSA_2048', Buffer.concat([rsa, Buffer.from('garbage!')])],
    ['a truncated key', 'ECC_NIST_P256', p256.subarray(0, -1)],
    ['SEC 1 instead of PKCS #8', 'ECC_NIST_P256', pairOf('ECC_NIST_P256').privateKey.export({ format: 'der', type: 'sec1' })],
    ['PKCS #1 instead of PKCS #8', 'RSA_2048', pairOf('RSA_2048').privateKey.export({ format: 'der', type: 'pkcs1' })],
    ['PEM', 'ECC_NIST_P256', Buffer.from(pairOf('ECC_NIST_P256').privateKey.export({ format: 'pem', type: 'pkcs8' }))],
    ['a public key', 'ECC_NIST_P256', pairOf('ECC_NIST_P256').publicKey.export({ format: 'der', type: 'spki' })],
    ['an EC key with the public half of another', 'ECC_NIST_P256', withForeignPublicHalf(p256)],
    ['an RSA key whose modulus is not of its primes', 'RSA_2048', withOtherModulus()],
    ['an RSA key with exponent 3', 'RSA_2048', generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey.export({ format: 'der', type: 'pkcs8' })],
    ['raw key bytes', 'ECC_NIST_P256', randomBytes(32)],
    ['zeros', 'RSA_2048', Buffer.alloc(1200)],
    ['an EC key for an Ed25519 spec', 'ECC_NIST_EDWARDS25519', p256],
    ['an X25519 key', 'ECC_NIST_EDWARDS25519', generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' })],
    ['bytes behind an Ed25519 key', 'ECC_NIST_EDWARDS25519', Buffer.concat([ed25519, Buffer.of(0)])],
    ['a raw Ed25519 seed', 'ECC_NIST_EDWARDS25519', ed25519.subarray(-32)],
    ['an ML-DSA key of another parameter set', 'ML_DSA_65', materialOf('ML_DSA_44')],
    ['an ML-DSA key whose expanded key is of another seed', 'ML_DSA_44', flippedBit(mlDsa, mlDsa.length - 1)],
    ['an ML-KEM key of a shortened seed', 'ML_KEM_768', materialOf('ML_KEM_768', 'RSAES_OAEP_SHA_1').subarray(0, -1)],
  ];

  test.each(cases)('%s (%s) is refused', async (_, spec, material) => {
    for (const algorithm of ['RSA_AES_KEY_WRAP_SHA_1', 'RSA_AES_KEY_WRAP_SHA_256'] as const) {
      const parameters = await parametersFor(algorithm);

      const attempt = client.importKey(request(parameters, spec, wrapMaterial(parameters.publicKey, algorithm, material)));

      await expect(attempt).rejects.toMatchObject({ code: 'incorrect-key-material', message: 'the key material is not what it should be' });
    }
  });

  test('an EC key without its public half, and one with it, are both taken', async () => {
    const parameters = await parametersFor('RSAES_OAEP_SHA_256');
    const bare = withoutPublicHalf(p256);

    const one = await client.importKey(request(parameters, 'ECC_NIST_P256', wrapMaterial(parameters.publicKey, 'RSAES_OAEP_SHA_256', bare)));
    const other = await client.importKey(request(parameters, 'ECC_NIST_P256', wrapMaterial(parameters.publicKey, 'RSAES_OAEP_SHA_256', p256)));

    expect(one.material.publicKey).toBe(other.material.publicKey);
    expect(one.fingerprint).toEqual(other.fingerprint);
  });
});

describe('envelopes that do not open', () => {
  test.each(wrappingAlgorithms)('%s: every changed part is refused alike', async (algorithm) => {
    const parameters = await parametersFor(algorithm);
    const good = wrapMaterial(parameters.publicKey, algorithm, randomBytes(32));
    const flips = [0, 1, 200, 383, good.length - 1].map((at) => flipped(good, at));
    const wrong = [
      ...flips,
      good.subarray(1),
      good.subarray(0, -1),
      good.subarray(0, 384 - 1),
      Buffer.alloc(good.length),
      Buffer.alloc(good.length, 0xff),
      Buffer.of(1),
      Buffer.alloc(6144, 7),
    ];
    const other = wrappingAlgorithms[(wrappingAlgorithms.indexOf(algorithm) + 1) % wrappingAlgorithms.length]!;
    const foreign = wrapMaterial(parameters.publicKey, other, randomBytes(32));

    for (const encrypted of [...wrong, foreign]) {
      await expect(client.importKey(request(parameters, 'SYMMETRIC_DEFAULT', encrypted))).rejects.toMatchObject({ code: 'invalid-ciphertext' });
    }
    await expect(client.importKey(request(parameters, 'SYMMETRIC_DEFAULT', good))).resolves.toBeDefined();
  });

  test('material under the public key of another token is refused', async () => {
    const [mine, other] = await Promise.all([newParameters('RSAES_OAEP_SHA_1'), newParameters('RSAES_OAEP_SHA_1')]);

    const attempt = client.importKey(request(mine, 'SYMMETRIC_DEFAULT', wrapMaterial(other.publicKey, 'RSAES_OAEP_SHA_1', randomBytes(32))));

    await expect(attempt).rejects.toMatchObject({ code: 'invalid-ciphertext' });
  });
});

describe('import tokens', () => {
  test('a token of another key, account or Region is refused, and so is a changed one', async () => {
    const parameters = await parametersFor('RSAES_OAEP_SHA_256');
    const encrypted = wrapMaterial(parameters.publicKey, 'RSAES_OAEP_SHA_256', randomBytes(32));
    const good = request(parameters, 'SYMMETRIC_DEFAULT', encrypted);
    const positions = [...parameters.token.keys()].filter((at) => at % 37 === 0 || at > parameters.token.length - 4);

    const wrong: ImportKeyRequest[] = [
      { ...good, keyId: randomUUID() },
      { ...good, account: '999988887777' },
      { ...good, region: 'eu-west-1' },
      { ...good, token: parameters.token.subarray(1) },
      { ...good, token: parameters.token.subarray(0, -1) },
      { ...good, token: Buffer.of(0) },
      ...positions.map((at) => ({ ...good, token: flipped(parameters.token, at) })),
    ];

    for (const attempt of wrong) await expect(client.importKey(attempt)).rejects.toMatchObject({ code: 'invalid-import-token' });
    await expect(client.importKey(good)).resolves.toBeDefined();
  });

  test('a token that ended long ago is refused by the bridge itself', async () => {
    const keyId = randomUUID();
    const past = await client.importParameters({ ...owner, keyId, wrappingAlgorithm: 'RSAES_OAEP_SHA_256', wrappingKeySpec: 'RSA_2048', validTo: Date.now() - 3_600_000 });

    const attempt = client.importKey(request({ keyId, ...past }, 'SYMMETRIC_DEFAULT', wrapMaterial(past.publicKey, 'RSAES_OAEP_SHA_256', randomBytes(32))));

    await expect(attempt).rejects.toMatchObject({ code: 'invalid-import-token' });
  });

  test('the wrapping key in a token is of no use as key material', async () => {
    const parameters = await parametersFor('RSAES_OAEP_SHA_256');
    const imported = await client.importKey(request(parameters, 'SYMMETRIC_DEFAULT', wrapMaterial(parameters.publicKey, 'RSAES_OAEP_SHA_256', randomBytes(32))));
    const { splitImportToken } = await import('#shared/keys/import-token.ts');
    const wrapped = Buffer.from(splitImportToken(parameters.token)!.payload.wrappedKey).toString('base64');
    const user = await bridge.client('crypto');
    const binding = { ...owner, keyId: parameters.keyId, version: 1 };

    const attempt = user.decrypt(
      { key: { binding, material: { ...imported.material, wrapped } }, algorithm: 'SYMMETRIC_DEFAULT' },
      { iv: Buffer.alloc(12), ciphertext: Buffer.alloc(17) },
    );

    await expect(attempt).rejects.toMatchObject({ code: 'material-refused' });
  });

  test.each(['crypto', 'rotation', 'audit'] as const)('the caller class %s may not import', async (callerClass) => {
    const other = await bridge.client(callerClass);
    const parameters = await parametersFor('RSAES_OAEP_SHA_256');

    await expect(other.importKey(request(parameters, 'SYMMETRIC_DEFAULT', Buffer.alloc(384)))).rejects.toMatchObject({ code: 'forbidden' });
    await expect(
      other.importParameters({ ...owner, keyId: parameters.keyId, wrappingAlgorithm: 'RSAES_OAEP_SHA_256', wrappingKeySpec: 'RSA_2048', validTo: Date.now() }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('what the bridge logs holds nothing of the material', async () => {
    const parameters = await parametersFor('RSAES_OAEP_SHA_256');
    const material = Buffer.from('SENTINEL-SENTINEL-SENTINEL-SENT', 'latin1');
    await client.importKey(request(parameters, 'SYMMETRIC_DEFAULT', wrapMaterial(parameters.publicKey, 'RSAES_OAEP_SHA_256', material))).catch(() => undefined);

    expect(JSON.stringify(bridge.log)).not.toContain('SENTINEL');
  });
});

function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

/** P-256 as OpenSSL writes it: the last 65 bytes are the public point. */
function withForeignPublicHalf(pkcs8: Buffer): Buffer {
  const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'der', type: 'pkcs8' });
  return Buffer.concat([pkcs8.subarray(0, -65), other.subarray(-65)]);
}

/** RFC 5915 without [1]: 4 bytes of headers and the point (66 bytes of BIT STRING) less. */
function withoutPublicHalf(pkcs8: Buffer): Buffer {
  const scalar = pkcs8.subarray(36, 68);
  const ecPrivateKey = Buffer.concat([Buffer.from('30250201010420', 'hex'), scalar]);
  const algorithm = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex');
  const octets = Buffer.concat([Buffer.of(0x04, ecPrivateKey.length), ecPrivateKey]);
  const body = Buffer.concat([Buffer.from('020100', 'hex'), algorithm, octets]);
  const whole = Buffer.concat([Buffer.of(0x30, body.length), body]);
  expect(createPrivateKey({ key: whole, format: 'der', type: 'pkcs8' }).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  return whole;
}

/** A bit of the modulus changed: still 2048 bits, still odd, no longer p times q. */
function withOtherModulus(): Buffer {
  const { privateKey } = pairOf('RSA_2048');
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  const modulus = Buffer.from(privateKey.export({ format: 'jwk' }).n!, 'base64url');
  return flippedBit(pkcs8, pkcs8.indexOf(modulus) + 100);
}

function flippedBit(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 2;
  return copy;
}
