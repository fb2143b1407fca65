import { constants, createHash, createPublicKey, createSecretKey, publicEncrypt, randomBytes, randomUUID, verify } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { beforeEach, expect, test } from 'vitest';
import { loadDomainKeys } from '#bridge/driver/domain-keys.ts';
import type { Driver } from '#bridge/driver/driver.ts';
import { type JobName, jobs } from '#bridge/driver/jobs.ts';
import type { Handle } from '#bridge/driver/module.ts';
import { PublicObjects } from '#bridge/driver/public-objects.ts';
import { Sessions } from '#bridge/driver/sessions.ts';
import { cloudhsm } from '#bridge/profiles/cloudhsm.ts';
import { describeKeySpec, type KeySpec, type KeyUsage, keySpecs } from '#shared/algorithms/key-specs.ts';
import { signingDescriptors } from '#shared/algorithms/signing.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { RuleBroken, RuleRecorder, returnWith } from '#test/support/pkcs11-rule-recorder.ts';
import { simulation } from '#test/support/pkcs11-simulation.ts';

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
  const request = { format: 1, ...binding, keySpec, keyUsage, origin: 'AWS_KMS', protection: 'HSM', wrapMechanism: 'AES_KWP', createdAt: 1 };
  const [material] = run('generate', json(request));
  return { material: JSON.parse(String(material)) as KeyMaterial, handle: run('open', material!)[0]! };
}

test('the domain keys are found and accepted without reading an attribute that is not documented', () => {
  expect(driver.epochs).toHaveLength(1);
});

test.each(keySpecs.filter((spec) => spec !== 'RSA_3072' && spec !== 'RSA_4096'))('%s is made, wrapped, unwrapped and used by documented calls only', (spec) => {
  const descriptor = describeKeySpec(spec);
  const message = randomBytes(100);
  for (const usage of descriptor.usages) {
    const { material, handle } = generate(spec, usage);
    const publicKey = material.publicKey === undefined ? undefined : createPublicKey({ key: Buffer.from(material.publicKey, 'base64'), format: 'der', type: 'spki' });
    if (usage === 'GENERATE_VERIFY_MAC') {
      const [mac] = run('mac', handle, json(descriptor.macAlgorithms![0]), message);
      expect(run('verifyMac', handle, json(descriptor.macAlgorithms![0]), message, mac!)[0]).toEqual(Buffer.of(1));
    }
    if (usage === 'SIGN_VERIFY') {
      for (const algorithm of descriptor.signingAlgorithms!) {
        const { scheme, hash, digestBytes } = signingDescriptors[algorithm];
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
