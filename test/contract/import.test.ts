import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WrappingAlgorithm } from '#shared/algorithms/wrapping.ts';
import { splitImportToken } from '#shared/keys/import-token.ts';
import { keyRow, materialRow } from '#shared/repositories/rows.ts';
import { findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { editRow } from '#test/support/edit-row.ts';
import { importRequest } from '#test/support/import-request.ts';
import { alice, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { base64 } from '#test/support/sample-requests.ts';

const dayMs = 86_400_000;
const forEver = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
const asNew = { ...forEver, ImportType: 'NEW_KEY_MATERIAL' };
let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

async function createExternal(members: Members = {}): Promise<string> {
  return ((await app.must('CreateKey', { Origin: 'EXTERNAL', ...members })).KeyMetadata as { KeyId: string }).KeyId;
}
const importInto = async (KeyId: string, material: Uint8Array, members: Members = forEver, algorithm?: WrappingAlgorithm): Promise<Members> =>
  app.must('ImportKeyMaterial', await importRequest(app, KeyId, material, members, algorithm));
const tryImport = async (KeyId: string, material: Uint8Array, members: Members = forEver, algorithm?: WrappingAlgorithm) =>
  app.call('ImportKeyMaterial', await importRequest(app, KeyId, material, members, algorithm));
const describeKey = async (KeyId: string) => (await app.must('DescribeKey', { KeyId })).KeyMetadata as Record<string, unknown>;
const rotations = async (KeyId: string, members: Members = { IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }) =>
  (await app.must('ListKeyRotations', { KeyId, ...members })).Rotations as Record<string, unknown>[];
const encrypt = async (KeyId: string, text = 'hello') => (await app.must('Encrypt', { KeyId, Plaintext: base64(text) })).CiphertextBlob;
const expiresIn = (days: number): Members => ({ ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: (app.clock.now() + days * dayMs) / 1000 });
async function sweep(): Promise<string[]> {
  const done: string[] = [];
  for await (const task of findDueTasks(app.store, app.clock.now())) {
    await runDueTask(app.service, task);
    done.push(task.kind);
  }
  return done;
}
async function materialRows(keyId: string): Promise<number> {
  return (await app.store.query({ table: 'material', pk: materialRow({ region: alice.region, keyId }, 1).pk, limit: 100 })).items.length;
}

describe('a key of origin EXTERNAL', () => {
  test('has no material, is PendingImport and refuses its use until material is imported', async () => {
    const keyId = await createExternal();

    const before = await describeKey(keyId);
    const refused = await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') });
    await importInto(keyId, randomBytes(32));
    const after = await describeKey(keyId);

    expect(before).toMatchObject({ Origin: 'EXTERNAL', KeyState: 'PendingImport', Enabled: false });
    expect(before).not.toHaveProperty('ExpirationModel');
    expect(before).not.toHaveProperty('CurrentKeyMaterialId');
    expect(refused).toMatchObject({ code: 'KMSInvalidStateException', message: expect.stringContaining('is pending import.') });
    expect(after).toMatchObject({
      KeyState: 'Enabled',
      Enabled: true,
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      CurrentKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(after).not.toHaveProperty('ValidTo');
  });

  test.each(['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_AES_KEY_WRAP_SHA_256'] as const)(
    '%s: an imported HMAC key makes the MACs of its owner',
    async (algorithm) => {
      const keyId = await createExternal({ KeySpec: 'HMAC_384', KeyUsage: 'GENERATE_VERIFY_MAC' });
      const secret = randomBytes(48);

      const answer = await importInto(keyId, secret, forEver, algorithm);
      const { Mac } = await app.must('GenerateMac', { KeyId: keyId, Message: base64('message'), MacAlgorithm: 'HMAC_SHA_384' });

      expect(answer).toEqual({ KeyId: expect.stringMatching(`^arn:.*${keyId}$`) });
      expect(Mac).toBe(createHmac('sha384', secret).update('message').digest('base64'));
    },
  );

  test.each([
    ['ECC_NIST_P384', 'RSAES_OAEP_SHA_1', 'secp384r1'],
    ['ECC_SECG_P256K1', 'RSA_AES_KEY_WRAP_SHA_256', 'secp256k1'],
  ] as const)('an imported %s key has its owner public key', async (KeySpec, algorithm, namedCurve) => {
    const keyId = await createExternal({ KeySpec, KeyUsage: 'SIGN_VERIFY' });
    const pair = generateKeyPairSync('ec', { namedCurve });

    await importInto(keyId, pair.privateKey.export({ format: 'der', type: 'pkcs8' }), forEver, algorithm);
    const { PublicKey } = await app.must('GetPublicKey', { KeyId: keyId });

    expect(PublicKey).toBe(pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'));
  });

  test('an imported RSA key signs, and needs RSA_AES_KEY_WRAP to travel', async () => {
    const keyId = await createExternal({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const direct = await app.call('GetParametersForImport', { KeyId: keyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_4096' });

    await importInto(keyId, pair.privateKey.export({ format: 'der', type: 'pkcs8' }), forEver, 'RSA_AES_KEY_WRAP_SHA_256');
    const SigningAlgorithm = 'RSASSA_PKCS1_V1_5_SHA_256';
    const { Signature } = await app.must('Sign', { KeyId: keyId, Message: base64('m'), SigningAlgorithm });

    expect(direct.code).toBe('UnsupportedOperationException');
    // The fake signs the digest's hash: its own Verify agrees, and the key is the owner's by GetPublicKey.
    expect((await app.must('Verify', { KeyId: keyId, Message: base64('m'), SigningAlgorithm, Signature })).SignatureValid).toBe(true);
    expect(verify('sha256', Buffer.from('other'), pair.publicKey, Buffer.from(String(Signature), 'base64'))).toBe(false);
  });

  test('an Edwards key signs as its owner does, and no other comes back in its place', async () => {
    const keyId = await createExternal({ KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' });
    const [mine, other] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey];
    const pkcs8 = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'pkcs8' });

    await importInto(keyId, pkcs8(mine));
    const { Signature } = await app.must('Sign', { KeyId: keyId, Message: base64('m'), SigningAlgorithm: 'ED25519_SHA_512' });
    await app.must('DeleteImportedKeyMaterial', { KeyId: keyId });

    // RFC 8032: the signature of a message is one and the same.
    expect(Signature).toBe(sign(null, Buffer.from('m'), mine).toString('base64'));
    expect((await describeKey(keyId)).ProtectionLevel).toBe('HSM_SEALED_SEED');
    expect((await tryImport(keyId, pkcs8(other))).code).toBe('IncorrectKeyMaterialException');
    await importInto(keyId, pkcs8(mine));
  });

  test('rules of GetParametersForImport that AWS has', async () => {
    const p521 = await createExternal({ KeySpec: 'ECC_NIST_P521', KeyUsage: 'SIGN_VERIFY' });
    const symmetric = await createExternal();
    const ask = (KeyId: string, WrappingAlgorithm: string, WrappingKeySpec: string) => app.call('GetParametersForImport', { KeyId, WrappingAlgorithm, WrappingKeySpec });

    expect((await ask(p521, 'RSAES_OAEP_SHA_1', 'RSA_2048')).code).toBe('UnsupportedOperationException');
    expect((await ask(p521, 'RSAES_OAEP_SHA_1', 'RSA_3072')).code).toBeUndefined();
    expect((await ask(p521, 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_2048')).code).toBeUndefined();
    expect(await ask(symmetric, 'RSAES_PKCS1_V1_5', 'RSA_2048')).toMatchObject({ status: 400, code: 'UnsupportedOperationException' });
    expect((await ask(symmetric, 'SM2PKE', 'SM2')).code).toBe('UnsupportedOperationException');
    expect((await ask(symmetric, 'RSAES_OAEP_SHA_256', 'SM2')).code).toBe('UnsupportedOperationException');
  });

  test('what is imported for another key, with its token or under its public key, is refused', async () => {
    const [mine, other] = [await createExternal(), await createExternal()];
    const forOther = await importRequest(app, other, randomBytes(32));
    const forMine = await importRequest(app, mine, randomBytes(32));

    expect((await app.call('ImportKeyMaterial', { ...forOther, KeyId: mine })).code).toBe('InvalidImportTokenException');
    expect((await app.call('ImportKeyMaterial', { ...forMine, EncryptedKeyMaterial: forOther.EncryptedKeyMaterial })).code).toBe('InvalidCiphertextException');
    expect(await describeKey(mine)).toMatchObject({ KeyState: 'PendingImport' });
  });

  test('automatic rotation is not for it', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32));

    for (const operation of ['EnableKeyRotation', 'DisableKeyRotation', 'GetKeyRotationStatus']) {
      expect(await app.call(operation, { KeyId: keyId })).toMatchObject({
        code: 'UnsupportedOperationException',
        message: expect.stringContaining('origin is EXTERNAL which is not valid for this operation.'),
      });
    }
  });

  test('a key of another origin takes no import', async () => {
    const { KeyId } = (await app.must('CreateKey', {})).KeyMetadata as { KeyId: string };
    const message = expect.stringContaining('origin is AWS_KMS which is not valid for this operation.');

    for (const [operation, members] of [
      ['GetParametersForImport', { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }],
      ['ImportKeyMaterial', { ImportToken: base64('x'), EncryptedKeyMaterial: base64('x'), ...forEver }],
      ['DeleteImportedKeyMaterial', {}],
    ] as const) {
      expect(await app.call(operation, { KeyId, ...members })).toMatchObject({ code: 'UnsupportedOperationException', message });
    }
  });

  test('it is destroyed with everything that was imported, also when nothing was', async () => {
    const [full, empty] = [await createExternal(), await createExternal()];
    await importInto(full, randomBytes(32));
    await importInto(full, randomBytes(32), asNew);
    for (const KeyId of [full, empty]) await app.must('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(7);

    expect(await sweep()).toEqual(['DELETION', 'DELETION']);

    expect(await materialRows(full)).toBe(0);
    expect(await app.store.getMany([full, empty].map((keyId) => keyRow({ region: alice.region, keyId })))).toEqual([undefined, undefined]);
  });
});

describe('import tokens', () => {
  test('are good for 24 hours, for any number of imports', async () => {
    const keyId = await createExternal();
    const parameters = await app.must('GetParametersForImport', { KeyId: keyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' });
    const request = await importRequest(app, keyId);
    const validTo = splitImportToken(Buffer.from(String(request.ImportToken), 'base64'))!.payload.validTo;

    expect(parameters.ParametersValidTo).toBe((app.clock.now() + dayMs) / 1000);
    expect(validTo).toBe(app.clock.now() + dayMs);
    await app.must('ImportKeyMaterial', request);
    await app.must('ImportKeyMaterial', request);
    app.clock.advanceDays(1);
    expect((await app.call('ImportKeyMaterial', request)).code).toBe('ExpiredImportTokenException');
  });

  test('no changed byte and no made-up token is taken', async () => {
    const keyId = await createExternal();
    const request = await importRequest(app, keyId);
    const token = Buffer.from(String(request.ImportToken), 'base64');

    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(token);
        changed[at]! ^= flip;
        const answer = await app.call('ImportKeyMaterial', { ...request, ImportToken: changed.toString('base64') });
        expect(['InvalidImportTokenException', 'ExpiredImportTokenException']).toContain(answer.code);
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        expect((await app.call('ImportKeyMaterial', { ...request, ImportToken: Buffer.from(bytes).toString('base64') })).code).toBe('InvalidImportTokenException');
      }),
      { numRuns: 100 },
    );
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'PendingImport' });
  });

  test('a token says nothing of the wrapping key but its wrapped form, which differs from token to token', async () => {
    const keyId = await createExternal();
    const [one, two] = [await importRequest(app, keyId), await importRequest(app, keyId)].map(
      (request) => splitImportToken(Buffer.from(String(request.ImportToken), 'base64'))!.payload,
    );

    expect(Buffer.from(one!.wrappedKey)).not.toEqual(Buffer.from(two!.wrappedKey));
    expect(Object.keys(one!).toSorted()).toEqual(['account', 'epoch', 'keyId', 'region', 'validTo', 'wrappedKey', 'wrappingAlgorithm', 'wrappingKeySpec']);
  });
});

describe('the same material again', () => {
  test('is taken after deletion, under the same id, and old ciphertexts decrypt; other material is refused', async () => {
    const keyId = await createExternal();
    const material = randomBytes(32);
    const first = await importInto(keyId, material);
    const CiphertextBlob = await encrypt(keyId);

    const deleted = await app.must('DeleteImportedKeyMaterial', { KeyId: keyId });
    const gone = await app.call('Decrypt', { CiphertextBlob });
    const other = await tryImport(keyId, randomBytes(32));
    const otherAsNew = await tryImport(keyId, material, asNew);
    const state = await describeKey(keyId);
    const second = await importInto(keyId, material);

    expect(deleted).toEqual(first);
    expect(state).toMatchObject({ KeyState: 'PendingImport' });
    expect(state).not.toHaveProperty('ExpirationModel');
    expect(gone.code).toBe('KMSInvalidStateException');
    expect(other).toMatchObject({ status: 400, code: 'IncorrectKeyMaterialException' });
    expect(otherAsNew.code).toBe('IncorrectKeyMaterialException');
    expect(second).toEqual(first);
    expect((await app.must('Decrypt', { CiphertextBlob })).Plaintext).toBe(base64('hello'));
  });

  test('erases its row at once, and deleting twice is no error', async () => {
    const keyId = await createExternal();
    const imported = await importInto(keyId, randomBytes(32));

    await app.must('DeleteImportedKeyMaterial', { KeyId: keyId });
    const again = await app.must('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId: imported.KeyMaterialId });

    expect(await materialRows(keyId)).toBe(0);
    expect(again).toEqual(imported);
  });

  test('KeyMaterialId must be the one that the material has', async () => {
    const keyId = await createExternal();
    const [one, two] = [randomBytes(32), randomBytes(32)];
    const { KeyMaterialId } = await importInto(keyId, one);
    const other = await importInto(keyId, two, asNew);

    expect((await tryImport(keyId, one, { ...forEver, KeyMaterialId })).code).toBeUndefined();
    expect((await tryImport(keyId, two, { ...forEver, KeyMaterialId })).code).toBe('IncorrectKeyMaterialException');
    expect((await tryImport(keyId, two, { ...forEver, KeyMaterialId: other.KeyMaterialId })).code).toBeUndefined();
    expect((await tryImport(keyId, one, { ...forEver, KeyMaterialId: 'a'.repeat(64) })).code).toBe('IncorrectKeyMaterialException');
    expect((await tryImport(keyId, one, { ...asNew, KeyMaterialId })).code).toBe('ValidationException');
  });

  test('the id tells nothing of the material: another key has another id for it', async () => {
    const material = randomBytes(32);
    const [one, two] = [await importInto(await createExternal(), material), await importInto(await createExternal(), material)];

    expect(one.KeyMaterialId).not.toBe(two.KeyMaterialId);
  });

  test('HMAC and asymmetric keys never take other material, and have none of the members of symmetric ones', async () => {
    const keyId = await createExternal({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    await importInto(keyId, Buffer.alloc(32, 1));

    expect((await tryImport(keyId, Buffer.alloc(32, 2))).code).toBe('IncorrectKeyMaterialException');
    expect((await tryImport(keyId, Buffer.alloc(32, 1))).code).toBeUndefined();
    for (const members of [{ ImportType: 'NEW_KEY_MATERIAL' }, { KeyMaterialDescription: 'text' }, { KeyMaterialId: 'a'.repeat(64) }]) {
      expect((await tryImport(keyId, Buffer.alloc(32, 1), { ...forEver, ...members })).code).toBe('ValidationException');
    }
    expect((await app.call('RotateKeyOnDemand', { KeyId: keyId })).code).toBe('UnsupportedOperationException');
  });

  test('a disabled key stays disabled when its material is renewed, and is enabled when it comes back from PendingImport', async () => {
    const keyId = await createExternal();
    const material = randomBytes(32);
    await importInto(keyId, material);
    await app.must('DisableKey', { KeyId: keyId });

    await importInto(keyId, material, expiresIn(10));
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'Disabled' });
    await app.must('DeleteImportedKeyMaterial', { KeyId: keyId });
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'PendingImport' });
    await importInto(keyId, material);
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'Enabled' });
  });

  test('deletion during the waiting period keeps the state, and a cancelled key without material waits for its import', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32));
    await app.must('ScheduleKeyDeletion', { KeyId: keyId });

    await app.must('DeleteImportedKeyMaterial', { KeyId: keyId });
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'PendingDeletion' });
    await app.must('CancelKeyDeletion', { KeyId: keyId });
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'PendingImport' });
  });

  test('two different materials imported at once: one is the key, the other is refused', async () => {
    const keyId = await createExternal();
    const requests = await Promise.all([1, 2, 3, 4].map((byte) => importRequest(app, keyId, Buffer.alloc(32, byte))));
    const other = app.another();

    const answers = await Promise.all(requests.map((request, at) => (at % 2 === 0 ? app : other).call('ImportKeyMaterial', request)));

    expect(answers.map(({ code }) => code).toSorted()).toEqual(['IncorrectKeyMaterialException', 'IncorrectKeyMaterialException', 'IncorrectKeyMaterialException', undefined]);
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'Enabled', CurrentKeyMaterialId: answers.find(({ code }) => code === undefined)!.body.KeyMaterialId });
    await encrypt(keyId);
  });
});

describe('expiry', () => {
  test('the rules of ExpirationModel and ValidTo', async () => {
    const keyId = await createExternal();
    const at = async (members: Members) => (await tryImport(keyId, Buffer.alloc(32), members)).code;

    expect(await at({})).toBe('ValidationException');
    expect(await at({ ExpirationModel: 'KEY_MATERIAL_EXPIRES' })).toBe('ValidationException');
    expect(await at({ ...forEver, ValidTo: (app.clock.now() + dayMs) / 1000 })).toBe('ValidationException');
    expect(await at(expiresIn(0))).toBe('ValidationException');
    expect(await at(expiresIn(-1))).toBe('ValidationException');
    expect(await at(expiresIn(365.001))).toBe('ValidationException');
    expect(await at(expiresIn(365))).toBeUndefined();
    expect(await at({ ValidTo: (app.clock.now() + dayMs) / 1000 })).toBeUndefined();
  });

  test('material past its time counts as gone for every call, before the sweep has run', async () => {
    const keyId = await createExternal();
    const material = randomBytes(32);
    await importInto(keyId, material, expiresIn(10));
    const CiphertextBlob = await encrypt(keyId);
    expect(await describeKey(keyId)).toMatchObject({ ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: (app.clock.now() + 10 * dayMs) / 1000 });
    app.clock.advanceDays(10);

    expect(await materialRows(keyId)).toBe(1);
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'PendingImport', Enabled: false });
    expect(await describeKey(keyId)).not.toHaveProperty('ValidTo');
    for (const [operation, members] of [
      ['Decrypt', { CiphertextBlob }],
      ['Encrypt', { KeyId: keyId, Plaintext: base64('x') }],
      ['GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' }],
      ['ReEncrypt', { CiphertextBlob, DestinationKeyId: keyId }],
      ['RotateKeyOnDemand', { KeyId: keyId }],
      ['EnableKey', { KeyId: keyId }],
      ['DisableKey', { KeyId: keyId }],
    ] as const) {
      expect(await app.call(operation, members), operation).toMatchObject({ code: 'KMSInvalidStateException', message: expect.stringContaining('is pending import.') });
    }
  });

  test('the sweep erases it, once, with a record; re-import brings the key back', async () => {
    const keyId = await createExternal();
    const material = randomBytes(32);
    await importInto(keyId, material, expiresIn(10));
    const CiphertextBlob = await encrypt(keyId);
    app.clock.advanceDays(9);
    expect(await sweep()).toEqual([]);
    app.clock.advanceDays(1);

    expect(await sweep()).toEqual(['EXPIRY']);
    expect(await sweep()).toEqual([]);
    await app.drain();

    expect(await materialRows(keyId)).toBe(0);
    expect(app.audit.filter((record) => record.operation === 'DeleteExpiredKeyMaterial')).toEqual([expect.objectContaining({ outcome: 'success', protocol: 'system' })]);
    expect(await rotations(keyId)).toEqual([expect.objectContaining({ ImportState: 'PENDING_IMPORT', KeyMaterialState: 'CURRENT' })]);
    await importInto(keyId, material, expiresIn(1));
    expect((await app.must('Decrypt', { CiphertextBlob })).Plaintext).toBe(base64('hello'));
  });

  test('a change of the key after the expiry and before the sweep keeps the material due', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32), expiresIn(10));
    app.clock.advanceDays(11);

    await app.must('UpdateKeyDescription', { KeyId: keyId, Description: 'after' });

    expect(await sweep()).toEqual(['EXPIRY']);
    expect(await materialRows(keyId)).toBe(0);
  });

  test('a re-import before the expiry moves or removes it', async () => {
    const keyId = await createExternal();
    const material = randomBytes(32);
    await importInto(keyId, material, expiresIn(1));
    await importInto(keyId, material, expiresIn(20));
    app.clock.advanceDays(10);
    expect(await sweep()).toEqual([]);
    await encrypt(keyId);

    await importInto(keyId, material);
    app.clock.advanceDays(30);

    expect(await sweep()).toEqual([]);
    await encrypt(keyId);
  });

  test('material expires during the waiting period of a deletion too, and the deletion still comes', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32), expiresIn(3));
    await app.must('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(3);
    expect(await sweep()).toEqual(['EXPIRY']);
    expect(await materialRows(keyId)).toBe(0);
    app.clock.advanceDays(4);

    expect(await sweep()).toEqual(['DELETION']);
  });

  test('an expired or deleted material cannot be brought back by editing the row', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32), expiresIn(1));
    app.clock.advanceDays(2);

    editRow(app.path, keyRow({ region: alice.region, keyId }), (row) => {
      const imports = (row.body.imports as { validTo?: number }[]).map(({ validTo: _, ...rest }) => rest);
      return { ...row, body: { ...row.body, imports } as typeof row.body };
    });
    const answer = await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') });

    expect(answer.status).toBe(500);
    expect(app.alarms).toContainEqual(expect.objectContaining({ kind: 'seal-broken' }));
  });
});

describe('rotation of imported keys', () => {
  test('new material waits, becomes current on demand, and old ciphertexts still decrypt', async () => {
    const keyId = await createExternal();
    const first = await importInto(keyId, randomBytes(32), { ...forEver, KeyMaterialDescription: 'first' });
    const oldBlob = await encrypt(keyId, 'old');

    const second = await importInto(keyId, randomBytes(32), { ...asNew, KeyMaterialDescription: 'second' });
    const waiting = await rotations(keyId);
    const stillOld = await app.must('Encrypt', { KeyId: keyId, Plaintext: base64('x') });
    expect((await app.must('Decrypt', { CiphertextBlob: stillOld.CiphertextBlob })).KeyMaterialId).toBe(first.KeyMaterialId);
    expect(await describeKey(keyId)).toMatchObject({ CurrentKeyMaterialId: first.KeyMaterialId });
    await app.must('RotateKeyOnDemand', { KeyId: keyId });
    const newBlob = await encrypt(keyId, 'new');

    expect(waiting).toEqual([
      expect.objectContaining({ KeyMaterialId: first.KeyMaterialId, KeyMaterialState: 'CURRENT', ImportState: 'IMPORTED', KeyMaterialDescription: 'first' }),
      expect.objectContaining({ KeyMaterialId: second.KeyMaterialId, KeyMaterialState: 'PENDING_ROTATION', ImportState: 'IMPORTED', KeyMaterialDescription: 'second' }),
    ]);
    expect(waiting[1]).not.toHaveProperty('RotationDate');
    expect(waiting[1]).not.toHaveProperty('RotationType');
    expect(await rotations(keyId)).toEqual([
      expect.objectContaining({ KeyMaterialId: first.KeyMaterialId, KeyMaterialState: 'NON_CURRENT', ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }),
      expect.objectContaining({ KeyMaterialId: second.KeyMaterialId, KeyMaterialState: 'CURRENT', RotationType: 'ON_DEMAND', RotationDate: app.clock.now() / 1000 }),
    ]);
    expect(await app.must('Decrypt', { CiphertextBlob: oldBlob })).toMatchObject({ Plaintext: base64('old'), KeyMaterialId: first.KeyMaterialId });
    expect(await app.must('Decrypt', { CiphertextBlob: newBlob })).toMatchObject({ Plaintext: base64('new'), KeyMaterialId: second.KeyMaterialId });
    expect(await rotations(keyId, {})).toHaveLength(1);
  });

  test('the list pages through to the material that waits', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32));
    await importInto(keyId, randomBytes(32), asNew);
    const seen: string[] = [];
    let marker: unknown;
    do {
      const page = await app.must('ListKeyRotations', { KeyId: keyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Limit: 1, ...(marker === undefined ? {} : { Marker: marker }) });
      const entries = page.Rotations as { KeyMaterialState: string }[];
      expect(entries.length).toBeLessThanOrEqual(1);
      seen.push(...entries.map((entry) => entry.KeyMaterialState));
      marker = page.NextMarker;
    } while (marker !== undefined);

    expect(seen).toEqual(['CURRENT', 'PENDING_ROTATION']);
  });

  test('without material that waits there is nothing to rotate to', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32));
    expect((await app.call('RotateKeyOnDemand', { KeyId: keyId })).code).toBe('KMSInvalidStateException');
    const pending = await importInto(keyId, randomBytes(32), { ...expiresIn(1), ImportType: 'NEW_KEY_MATERIAL' });
    app.clock.advanceDays(2);

    expect((await app.call('RotateKeyOnDemand', { KeyId: keyId })).code).toBe('KMSInvalidStateException');
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'Enabled' });
    expect(await sweep()).toEqual(['EXPIRY']);
    expect((await rotations(keyId)).map((entry) => entry.KeyMaterialId)).not.toContain(pending.KeyMaterialId);
  });

  test('material that waits can be replaced once it is deleted, and the key stays usable all the time', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32));
    const waiting = await importInto(keyId, randomBytes(32), asNew);

    expect((await tryImport(keyId, randomBytes(32), asNew)).code).toBe('KMSInvalidStateException');
    await app.must('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId: waiting.KeyMaterialId });
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'Enabled' });
    const other = await importInto(keyId, randomBytes(32), asNew);
    await app.must('RotateKeyOnDemand', { KeyId: keyId });

    expect(await describeKey(keyId)).toMatchObject({ CurrentKeyMaterialId: other.KeyMaterialId });
    await encrypt(keyId);
  });

  test('a key is usable only when all of its materials are there', async () => {
    const keyId = await createExternal();
    const [one, two] = [randomBytes(32), randomBytes(32)];
    const first = await importInto(keyId, one);
    await importInto(keyId, two, asNew);
    await app.must('RotateKeyOnDemand', { KeyId: keyId });
    await app.must('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId: first.KeyMaterialId });
    await app.must('DeleteImportedKeyMaterial', { KeyId: keyId });

    await importInto(keyId, two);
    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'PendingImport' });
    await importInto(keyId, one);

    expect(await describeKey(keyId)).toMatchObject({ KeyState: 'Enabled' });
    await encrypt(keyId);
  });

  test('at most 25 times, and no more than one version per rotation, whoever races', async () => {
    const keyId = await createExternal();
    await importInto(keyId, randomBytes(32));
    for (let count = 0; count < 25; count += 1) {
      await importInto(keyId, randomBytes(32), asNew);
      const answers = await Promise.all([app.call('RotateKeyOnDemand', { KeyId: keyId }), app.call('RotateKeyOnDemand', { KeyId: keyId })]);
      expect(answers.map(({ code }) => code).toSorted()).toEqual([
        count === 24 ? expect.stringMatching(/^(LimitExceeded|KMSInvalidState)/) : 'KMSInvalidStateException',
        undefined,
      ]);
    }
    await importInto(keyId, randomBytes(32), asNew);

    expect((await app.call('RotateKeyOnDemand', { KeyId: keyId })).code).toBe('LimitExceededException');
    expect(await rotations(keyId)).toHaveLength(27);
  });
});
