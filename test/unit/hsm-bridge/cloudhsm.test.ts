import { constants, createHash, createPublicKey, createSecretKey, publicEncrypt, randomBytes, randomUUID, verify } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { beforeEach, expect, test } from 'vitest';
import { loadDomainKeys } from '#bridge/driver/domain-keys.ts';
import type { Driver } from '#bridge/driver/driver.ts';
import { type JobName, jobs } from '#bridge/driver/jobs.ts';
import type { Handle } from '#bridge/driver/module.ts';
import { PublicObjects } from '#bridge/driver/public-objects.ts';
import { seedPkcs8, seedPublicKey } from '#bridge/driver/seed-keys.ts';
import { Sessions } from '#bridge/driver/sessions.ts';
import { cloudhsm } from '#bridge/profiles/cloudhsm.ts';
import { describeKeySpec, isSeedSpec, type KeySpec, type KeyUsage, keySpecs } from '#shared/algorithms/key-specs.ts';
import { describeDigestSigning, signingDescriptors } from '#shared/algorithms/signing.ts';
import { canWrap, wrappingAlgorithms } from '#shared/algorithms/wrapping.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import type { ImportedKey } from '#shared/ports/crypto.ts';
import { RuleRecorder, returnWith } from '#test/support/pkcs11-rule-recorder.ts';
import { RuleBroken } from '#test/support/pkcs11-rules.ts';
import { simulation } from '#test/support/pkcs11-simulation.ts';
import { wrapMaterial } from '#test/support/wrap-material.ts';

let recorder: RuleRecorder;
let driver: Driver;
const slot = Buffer.alloc(8);

const secretUses = [pkcs11.CKA_WRAP, pkcs11.CKA_UNWRAP, pkcs11.CKA_ENCRYPT, pkcs11.CKA_DECRYPT, pkcs11.CKA_SIGN, pkcs11.CKA_VERIFY];
const domainKey = (purpose: string, keyType: number, uses: readonly number[]) => ({
  [pkcs11.CKA_LABEL]: `chatelaine/default/${purpose}/1`,
  [pkcs11.CKA_CLASS]: pkcs11.CKO_SECRET_KEY,
  [pkcs11.CKA_KEY_TYPE]: keyType,
  [pkcs11.CKA_VALUE_LEN]: 32,
  [pkcs11.CKA_PRIVATE]: true,
  [pkcs11.CKA_LOCAL]: true,
  [pkcs11.CKA_SENSITIVE]: true,
  [pkcs11.CKA_ALWAYS_SENSITIVE]: true,
  [pkcs11.CKA_EXTRACTABLE]: false,
  [pkcs11.CKA_NEVER_EXTRACTABLE]: true,
  [pkcs11.CKA_DERIVE]: false,
  [pkcs11.CKA_TRUSTED]: purpose === 'kek',
  ...Object.fromEntries(secretUses.map((use) => [use, uses.includes(use)])),
});

beforeEach(() => {
  recorder = new RuleRecorder();
  const key = () => createSecretKey(randomBytes(32));
  recorder.install(key(), domainKey('kek', pkcs11.CKK_AES, [pkcs11.CKA_WRAP, pkcs11.CKA_UNWRAP]));
  recorder.install(key(), domainKey('mac', pkcs11.CKK_GENERIC_SECRET, [pkcs11.CKA_SIGN, pkcs11.CKA_VERIFY]));
  recorder.install(key(), domainKey('seed', pkcs11.CKK_AES, [pkcs11.CKA_ENCRYPT, pkcs11.CKA_DECRYPT]));
  recorder.install(simulation.pair('06052b81040022').privateKey, {
    ...domainKey('audit', pkcs11.CKK_EC, [pkcs11.CKA_SIGN]),
    [pkcs11.CKA_CLASS]: pkcs11.CKO_PRIVATE_KEY,
    [pkcs11.CKA_EC_PARAMS]: Buffer.from('06052b81040022', 'hex'),
  });
  const sessions = new Sessions(recorder.module, cloudhsm, slot);
  const epochs = loadDomainKeys(recorder.module, cloudhsm, sessions.handles[0]!, 'default', 1);
  driver = { sessions, publicObjects: new PublicObjects(), domain: 'default', epochs };
});

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const run = (name: JobName, ...fields: Buffer[]): Buffer[] => (jobs[name] as (driver: Driver, fields: Buffer[]) => Uint8Array[])(driver, fields).map((field) => Buffer.from(field));

function generate(keySpec: KeySpec, keyUsage: KeyUsage = describeKeySpec(keySpec).usages[0]!): { material: KeyMaterial; handle: Handle } {
  const binding = { account: '111122223333', region: 'eu-central-1', keyId: randomUUID(), version: 1 };
  const request = { format: 1, ...binding, keySpec, keyUsage, origin: 'AWS_KMS', protection: describeKeySpec(keySpec).protection, createdAt: 1 };
  const [material] = run('generate', json({ ...request, wrapMechanism: isSeedSpec(keySpec) ? 'AES_GCM_SEED' : 'AES_KWP' }));
  if (isSeedSpec(keySpec)) return { material: JSON.parse(String(material)) as KeyMaterial, handle: Buffer.alloc(0) };
  return { material: JSON.parse(String(material)) as KeyMaterial, handle: run('open', material!)[0]! };
}

test('the domain keys are found and accepted without reading an attribute that is not documented', () => {
  expect(driver.epochs).toHaveLength(1);
});

const hsmSpecs = keySpecs.filter((spec) => spec !== 'RSA_3072' && spec !== 'RSA_4096' && !isSeedSpec(spec));
test.each(hsmSpecs)('%s is made, wrapped, unwrapped and used by documented calls only', (spec) => {
  const descriptor = describeKeySpec(spec);
  const message = randomBytes(100);
  // Raw ECDH is what this profile does not claim: see the test of it.
  for (const usage of descriptor.usages.filter((candidate) => candidate !== 'KEY_AGREEMENT')) {
    const { material, handle } = generate(spec, usage);
    const publicKey = material.publicKey === undefined ? undefined : createPublicKey({ key: Buffer.from(material.publicKey, 'base64'), format: 'der', type: 'spki' });
    if (usage === 'GENERATE_VERIFY_MAC') {
      const [mac] = run('mac', handle, json(descriptor.macAlgorithms![0]), message);
      expect(run('verifyMac', handle, json(descriptor.macAlgorithms![0]), message, mac!)[0]).toEqual(Buffer.of(1));
    }
    if (usage === 'SIGN_VERIFY') {
      for (const algorithm of descriptor.signingAlgorithms!) {
        const { scheme, hash, digestBytes } = describeDigestSigning(algorithm);
        const digest = createHash(hash).update(message).digest();
        const [signature] = run('sign', handle, json({ spec, algorithm, messageType: 'DIGEST' }), digest);
        const padding = scheme === 'RSASSA_PSS' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digestBytes } : {};
        expect(verify(hash, message, { key: publicKey!, ...padding }, signature!)).toBe(true);
        const head = json({ spec, algorithm, messageType: 'DIGEST', publicKey: material.publicKey });
        expect(run('verify', head, digest, signature!)[0]).toEqual(Buffer.of(1));
        expect(run('verify', head, randomBytes(digestBytes), signature!)[0]).toEqual(Buffer.of(0));
      }
    }
    if (usage === 'ENCRYPT_DECRYPT' && publicKey !== undefined) {
      const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, message);
      expect(run('rsaDecrypt', handle, json({ spec, algorithm: 'RSAES_OAEP_SHA_256' }), ciphertext)[0]).toEqual(message);
    }
    if (usage === 'ENCRYPT_DECRYPT' && publicKey === undefined) {
      const [iv, ciphertext] = run('gcmEncrypt', handle, Buffer.from('aad'), message);
      expect(iv).toHaveLength(12);
      expect(run('gcmDecrypt', handle, Buffer.from('aad'), iv!, ciphertext!)[0]).toEqual(message);
      expect(() => run('gcmDecrypt', handle, Buffer.from('bad'), iv!, ciphertext!)).toThrow(expect.objectContaining({ outcome: 'invalid-ciphertext' }));
    }
    run('destroy', handle);
  }
});

test.each(keySpecs.filter(isSeedSpec))('a seed of %s is made, sealed, opened and used by documented calls only', (spec) => {
  const { material } = generate(spec);
  const { signingAlgorithms = [] } = describeKeySpec(spec);
  const row = json(material);
  for (const algorithm of signingAlgorithms) {
    for (const messageType of Object.keys(signingDescriptors[algorithm].messageTypes)) {
      const message = randomBytes(64);
      const [signature] = run('seedSign', row, json({ algorithm, messageType }), message);
      expect(run('verify', json({ spec, algorithm, messageType, publicKey: material.publicKey }), message, signature!)[0]).toEqual(Buffer.of(1));
    }
  }
  if (signingAlgorithms.length === 0) {
    const [secret, ciphertext] = run('encapsulate', json(material.publicKey));
    expect(run('decapsulate', row, ciphertext!)[0]).toEqual(secret);
  }
  expect(recorder.sessionObjectCount).toBe(0);
});

test('a sealed seed that was moved into another row does not open there, even past the tag', () => {
  const { material } = generate('ECC_NIST_EDWARDS25519');
  const other = generate('ECC_NIST_EDWARDS25519').material;
  const head = json({ algorithm: 'ED25519_SHA_512', messageType: 'RAW' });

  expect(() => run('seedSign', json({ ...other, wrapped: material.wrapped }), head, Buffer.from('x'))).toThrow('its seed does not open');
  expect(() => run('seedSign', json({ ...material, epoch: 2 }), head, Buffer.from('x'))).toThrow('its epoch has no keys');
  expect(() => run('seedSign', json({ ...material, wrapMechanism: 'AES_KWP' }), head, Buffer.from('x'))).toThrow('it is no sealed seed');
});

test('raw ECDH is refused as unsupported, before a key is made for it', () => {
  const { handle } = generate('ECC_NIST_P256');
  const before = recorder.calls.length;

  expect(() => generate('ECC_NIST_P256', 'KEY_AGREEMENT')).toThrow(expect.objectContaining({ outcome: 'unsupported' }));
  expect(() => run('derive', handle, json('ECC_NIST_P256'), randomBytes(65))).toThrow(expect.objectContaining({ outcome: 'unsupported' }));
  expect(recorder.calls.slice(before)).toEqual([]);
});

test('data key pairs use documented calls only', () => {
  const { handle } = generate('SYMMETRIC_DEFAULT');

  const [iv, ciphertext, publicKey, privateKey] = run('dataKeyPair', handle, Buffer.from('aad'), json({ spec: 'ECC_NIST_EDWARDS25519', wantPlaintext: true }));

  expect(run('gcmDecrypt', handle, Buffer.from('aad'), iv!, ciphertext!)[0]).toEqual(privateKey);
  expect(createPublicKey({ key: publicKey!, format: 'der', type: 'spki' }).asymmetricKeyType).toBe('ed25519');
});

test('data keys, seals, random bytes, audit signatures and the canary use documented calls only, and leave nothing behind', () => {
  const { handle } = generate('SYMMETRIC_DEFAULT');

  const [iv, ciphertext, plaintext] = run('dataKey', handle, Buffer.from('aad'), json({ length: 32, wantPlaintext: true }));
  const digest = randomBytes(32);
  const [seal] = run('seal', digest);

  expect(run('gcmDecrypt', handle, Buffer.from('aad'), iv!, ciphertext!)[0]).toEqual(plaintext);
  expect(run('checkSeals', digest, seal!)[0]).toEqual(Buffer.of(1));
  expect(run('random', json(1024))[0]).toHaveLength(1024);
  expect(run('signAudit', randomBytes(48))[0]?.[0]).toBe(0x30);
  run('canary');
  run('destroy', handle);
  expect(recorder.sessionObjectCount).toBe(0);
  expect(recorder.sessionCount).toBe(2);
});

test('throttling is patience, not a corrupt ciphertext', () => {
  const { handle } = generate('SYMMETRIC_DEFAULT');
  const [iv, ciphertext] = run('gcmEncrypt', handle, Buffer.alloc(0), Buffer.from('x'));
  recorder.failNext('C_Decrypt', returnWith('CKR_FUNCTION_FAILED', pkcs11.CKR_FUNCTION_FAILED));

  expect(() => run('gcmDecrypt', handle, Buffer.alloc(0), iv!, ciphertext!)).toThrow(expect.objectContaining({ outcome: 'throttled' }));
  expect(run('gcmDecrypt', handle, Buffer.alloc(0), iv!, ciphertext!)[0]).toEqual(Buffer.from('x'));
});

test.each([
  ['CKR_GENERAL_ERROR', pkcs11.CKR_GENERAL_ERROR],
  ['CKR_SESSION_HANDLE_INVALID', pkcs11.CKR_SESSION_HANDLE_INVALID],
  ['CKR_OPERATION_ACTIVE', pkcs11.CKR_OPERATION_ACTIVE],
])('%s at a decryption costs the session, not the answer', (name, code) => {
  const { handle } = generate('SYMMETRIC_DEFAULT');
  const [iv, ciphertext] = run('gcmEncrypt', handle, Buffer.alloc(0), Buffer.from('x'));
  const before = recorder.calls.length;
  recorder.failNext('C_DecryptInit', returnWith(name, code));

  expect(run('gcmDecrypt', handle, Buffer.alloc(0), iv!, ciphertext!)[0]).toEqual(Buffer.from('x'));
  expect(recorder.calls.slice(before)).toEqual(['C_DecryptInit', 'C_CloseSession', 'C_OpenSession', 'C_DecryptInit', 'C_Decrypt']);
});

test('a session key that died with its HSM is reported as stale, so that it is opened again', () => {
  const { handle } = generate('SYMMETRIC_DEFAULT');
  recorder.loseSessionKeys();

  expect(() => run('gcmEncrypt', handle, Buffer.alloc(0), Buffer.from('x'))).toThrow(expect.objectContaining({ outcome: 'stale-key' }));
});

test('an HSM that does not choose an IV is not trusted', () => {
  const { handle } = generate('SYMMETRIC_DEFAULT');
  const { module } = driver.sessions;
  const lazy = new Proxy(module, { get: (target, name) => (name === 'C_Encrypt' ? (_: Handle, __: Buffer, out: Buffer) => out : Reflect.get(target, name)) });
  const sessions = new Sessions(lazy, cloudhsm, slot);

  expect(() => jobs.gcmEncrypt({ ...driver, sessions }, [handle, Buffer.alloc(0), Buffer.from('x')])).toThrow('the HSM did not choose an IV');
});

test('the recorder itself refuses what CloudHSM does not document', () => {
  const { module } = recorder;
  const session = module.C_OpenSession(slot, cloudhsm.sessionFlags);
  const key = generate('SYMMETRIC_DEFAULT').handle;
  const gcm = (iv: Buffer) => ({ mechanism: 0x80001087, parameter: { type: pkcs11.CK_PARAMS_AES_GCM_v240, iv, aad: Buffer.alloc(0), ivBits: 0, tagBits: 128 } });

  expect(() => module.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)).toThrow(RuleBroken);
  expect(() => (module as unknown as { C_CopyObject(): void }).C_CopyObject()).toThrow(RuleBroken);
  expect(() => module.C_EncryptInit(session, gcm(Buffer.alloc(12)), key)).toThrow(RuleBroken);
  expect(() => module.C_EncryptInit(session, { mechanism: pkcs11.CKM_AES_GCM }, key)).toThrow(RuleBroken);
  expect(() => module.C_WrapKey(session, { mechanism: pkcs11.CKM_AES_KEY_WRAP_PAD }, key, key, Buffer.alloc(64))).toThrow(RuleBroken);
  expect(() => module.C_GenerateKey(session, { mechanism: pkcs11.CKM_AES_KEY_GEN }, [{ type: pkcs11.CKA_TOKEN, value: false }])).toThrow(RuleBroken);
  module.C_EncryptInit(session, gcm(Buffer.alloc(0)), key);
  expect(() => module.C_Encrypt(session, Buffer.alloc(16_225), Buffer.alloc(20_000))).toThrow(RuleBroken);
});

const importing = keySpecs
  .filter((spec) => !['RSA_3072', 'RSA_4096'].includes(spec))
  .flatMap((spec) => wrappingAlgorithms.filter((algorithm) => canWrap(spec, algorithm, 'RSA_3072')).map((algorithm) => ({ spec, algorithm })));

test.each(importing)('$spec is imported under $algorithm by documented calls only, and nothing is left behind', ({ spec, algorithm }) => {
  const descriptor = describeKeySpec(spec);
  const { account, region, keyId } = { account: '111122223333', region: 'eu-central-1', keyId: randomUUID() };
  const { material, spki } = importableOf(spec);
  const [publicKey, token] = run('importParameters', json({ account, region, keyId, wrappingAlgorithm: algorithm, wrappingKeySpec: 'RSA_3072', validTo: 1 }));
  const request = { account, region, keyId, keySpec: spec, keyUsage: descriptor.usages[0]!, protection: descriptor.protection, createdAt: 1, known: [], newVersion: 1 };

  const [reply] = run('importKey', json(request), token!, wrapMaterial(publicKey!, algorithm, material));

  const imported = JSON.parse(String(reply)) as ImportedKey;
  expect(imported.material.publicKey).toBe(spki?.toString('base64'));
  if (descriptor.kind === 'seed') run('check', json(imported.material));
  else run('destroy', run('open', json(imported.material))[0]!);
  const foreign = wrapMaterial(publicKey!, algorithm, material.subarray(1));
  expect(() => run('importKey', json(request), token!, foreign)).toThrow();
  expect(recorder.sessionObjectCount).toBe(0);
  // Private EC keys pass the bridge's memory, because the HSM does not tell their public half, and seeds, which are used there.
  expect(recorder.calls.filter((call) => call === 'C_Decrypt').length > 0).toBe(descriptor.kind === 'ec' || descriptor.kind === 'seed');
});

function importableOf(spec: KeySpec): { material: Buffer; spki?: Buffer } {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind === 'aes' || descriptor.kind === 'hmac') return { material: randomBytes(descriptor.keyBytes) };
  if (descriptor.kind === 'seed') {
    const seed = randomBytes(descriptor.seedBytes);
    return { material: seedPkcs8(spec, seed), spki: seedPublicKey(spec, seed) };
  }
  const pair = simulation.pair(descriptor.kind === 'ec' ? descriptor.oidDer : 2048);
  return { material: pair.privateKey.export({ format: 'der', type: 'pkcs8' }), spki: pair.publicKey.export({ format: 'der', type: 'spki' }) };
}
