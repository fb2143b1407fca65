import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyMaterialId } from '#shared/keys/key-record.ts';
import { findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { awsJsonRequest, type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { base64 } from '#test/support/sample-requests.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const create = async (members: Members): Promise<string> => ((await app.must('CreateKey', members)).KeyMetadata as { KeyId: string }).KeyId;
const p256 = (): Promise<string> => create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
const rsa = (): Promise<string> => create({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
const hmac = (): Promise<string> => create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
const newVersion = (KeyId: string): Promise<Members> => app.must('CreateKeyVersion', { KeyId });
const states = async (KeyId: string): Promise<unknown[]> => ((await app.must('ListKeyVersions', { KeyId })).Versions as Members[]).map(({ State }) => State);

const message = { Message: base64('a message'), SigningAlgorithm: 'ECDSA_SHA_256' };
const oaep = { EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' };

/** The three kinds of key: something made now, and whether it is still accepted. */
const kinds = {
  signature: {
    key: p256,
    refusal: 'KMSInvalidSignatureException',
    make: async (KeyId: string) => ({ KeyId, ...message, Signature: (await app.must('Sign', { KeyId, ...message })).Signature }),
    use: 'Verify',
  },
  MAC: {
    key: hmac,
    refusal: 'KMSInvalidMacException',
    make: async (KeyId: string) => {
      const members = { KeyId, Message: base64('a message'), MacAlgorithm: 'HMAC_SHA_256' };
      return { ...members, Mac: (await app.must('GenerateMac', members)).Mac };
    },
    use: 'VerifyMac',
  },
  'RSA ciphertext': {
    key: rsa,
    refusal: 'InvalidCiphertextException',
    make: async (KeyId: string) => ({ KeyId, ...oaep, CiphertextBlob: (await app.must('Encrypt', { KeyId, ...oaep, Plaintext: base64('x') })).CiphertextBlob }),
    use: 'Decrypt',
  },
} as const;

describe.each(Object.entries(kinds))('a %s of a superseded version', (_, kind) => {
  test('is accepted as one of the current version is, and neither is when the rule says no', async () => {
    const key = await kind.key();
    const first = await kind.make(key);
    await newVersion(key);
    const second = await kind.make(key);

    const both = [await app.call(kind.use, first), await app.call(kind.use, second)];
    await app.must('UpdateKeyVersion', { KeyId: key, Version: 1, State: 'DISABLED' });
    const refused = await app.call(kind.use, first);
    const current = await app.call(kind.use, second);
    await app.must('UpdateKeyVersion', { KeyId: key, Version: 1, State: 'RETIRING' });
    const again = await app.call(kind.use, first);

    for (const answer of [...both, current, again]) expect(answer.code).toBeUndefined();
    expect(refused.code).toBe(kind.refusal);
    expect(refused.message).toBeUndefined();
  });

  test('is accepted until its day and not after, by every process', async () => {
    const key = await kind.key();
    await app.must('PutKeyVersionRule', { KeyId: key, AcceptDays: 30 });
    const first = await kind.make(key);
    await newVersion(key);
    const other = app.another();

    app.clock.advanceDays(29);
    const before = await other.call(kind.use, first);
    app.clock.advanceDays(1);
    const after = await other.call(kind.use, first);

    expect(before.code).toBeUndefined();
    expect(after.code).toBe(kind.refusal);
    expect(await states(key)).toEqual(['RETIRED', 'CURRENT']);
  });

  test('costs one round trip to the bridge however many versions there are', async () => {
    const key = await kind.key();
    const first = await kind.make(key);
    for (let at = 0; at < 4; at += 1) await newVersion(key);
    await app.call(kind.use, first);
    const crypto = app.crypto as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
    const { batch } = crypto;
    let calls = 0;
    crypto.batch = (...given) => {
      calls += 1;
      expect(given[0]).toHaveLength(5);
      return batch!(...given);
    };

    const answer = await app.call(kind.use, first);

    expect(answer.code).toBeUndefined();
    expect(calls).toBe(1);
  });

  test('is found in a batch too', async () => {
    const key = await kind.key();
    const first = await kind.make(key);
    await newVersion(key);
    const second = await kind.make(key);
    const name = `${kind.use}Batch`;
    if (app.service.operations.get(name) === undefined) return;

    const answer = await app.must(name, { Items: [first, second, { ...first, KeyId: 'alias/none' }] });

    expect((answer.Results as { Error?: { Code: string } }[]).map(({ Error: failure }) => failure?.Code)).toEqual([undefined, undefined, 'NotFoundException']);
  });

  test('is refused with an alarm when the material of any accepted version was swapped', async () => {
    const key = await kind.key();
    const other = await kind.key();
    await newVersion(key);
    const second = await kind.make(key);
    const place = (keyId: string) => ({ table: 'material', pk: `KEY#eu-west-1#${keyId}`, sk: 'MAT#0000000001' }) as const;
    const [stranger] = await app.store.getMany([place(other)]);
    await app.store.transact([{ put: { ...stranger!, ...place(key), rev: 2 } }]);

    const answer = await app.call(kind.use, second);

    expect(answer.code).toBe('KMSInternalException');
    expect(app.alarms).toContainEqual(expect.objectContaining({ kind: 'material-refused' }));
  });
});

describe('versions of a key', () => {
  test('GetPublicKey gives the current one, and each version has its own under its number', async () => {
    const key = await p256();
    const before = (await app.must('GetPublicKey', { KeyId: key })).PublicKey;
    const made = await newVersion(key);

    const after = (await app.must('GetPublicKey', { KeyId: key })).PublicKey;
    const [first, second] = [await app.must('GetKeyVersionPublicKey', { KeyId: key, Version: 1 }), await app.must('GetKeyVersionPublicKey', { KeyId: key, Version: 2 })];

    expect(made).toMatchObject({ Version: 2, KeyMaterialId: keyMaterialId(key, 2) });
    expect(first).toMatchObject({ PublicKey: before, State: 'RETIRING', KeyMaterialId: keyMaterialId(key, 1) });
    expect(second).toMatchObject({ PublicKey: after, State: 'CURRENT' });
    expect(before).not.toBe(after);
  });

  test('on the wire protocol such keys refuse rotation as they do in AWS KMS, also after they have versions', async () => {
    const key = await p256();
    await app.must('PutKeyVersionRule', { KeyId: key, AcceptDays: 10, RotationPeriodInDays: 90 });
    await newVersion(key);

    for (const name of ['EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand', 'GetKeyRotationStatus', 'ListKeyRotations']) {
      expect((await app.call(name, { KeyId: key })).code, name).toBe('UnsupportedOperationException');
    }
    expect((await app.send(awsJsonRequest('CreateKeyVersion', { KeyId: key }))).code).toBe('UnknownOperationException');
  });

  test('a rule with a period makes versions by the sweep, and without one stops', async () => {
    const key = await p256();
    await app.must('PutKeyVersionRule', { KeyId: key, AcceptDays: 100, RotationPeriodInDays: 90 });
    const sweep = async () => {
      for await (const task of findDueTasks(app.service.store, app.clock.now())) await runDueTask(app.service, task);
    };

    app.clock.advanceDays(91);
    await sweep();
    await sweep();
    app.clock.advanceDays(90);
    await sweep();
    await app.must('PutKeyVersionRule', { KeyId: key, AcceptDays: 100 });
    app.clock.advanceDays(400);
    await sweep();

    expect(await states(key)).toEqual(['RETIRED', 'RETIRED', 'CURRENT']);
    expect((await app.must('ListKeyVersions', { KeyId: key })).Rule).toEqual({ AcceptDays: 100 });
  });

  test('at most ten versions are accepted at a time', async () => {
    const key = await hmac();
    for (let at = 2; at <= 10; at += 1) await newVersion(key);

    const refused = await app.call('CreateKeyVersion', { KeyId: key });
    await app.must('UpdateKeyVersion', { KeyId: key, Version: 3, State: 'DISABLED' });
    const accepted = await app.call('CreateKeyVersion', { KeyId: key });

    expect(refused.code).toBe('LimitExceededException');
    expect(accepted.body).toMatchObject({ Version: 11 });
  });

  test('a version that was disabled in the database is refused with an alarm: its row is sealed', async () => {
    const key = await p256();
    await newVersion(key);
    await app.must('UpdateKeyVersion', { KeyId: key, Version: 1, State: 'DISABLED' });
    const [row] = await app.store.getMany([{ table: 'core', pk: `KEY#eu-west-1#${key}`, sk: 'META' }]);
    await app.store.transact([{ put: { ...row!, body: { ...row!.body, versioning: { superseded: [{ version: 1, disabled: false }] } } } }]);

    const answer = await app.call('Verify', { KeyId: key, ...message, Signature: base64('signature') });

    expect(answer.code).toBe('KMSInternalException');
    expect(app.alarms).toContainEqual(expect.objectContaining({ kind: 'seal-broken' }));
  });

  test('of twenty concurrent CreateKeyVersion calls each that answers made a version of its own', async () => {
    const key = await p256();
    await app.must('PutKeyVersionRule', { KeyId: key, AcceptDays: 0 });

    const answers = await Promise.all(Array.from({ length: 20 }, () => app.call('CreateKeyVersion', { KeyId: key })));

    const versions = answers.filter(({ code }) => code === undefined).map(({ body }) => body.Version as number);
    expect(new Set(versions).size).toBe(versions.length);
    expect(await states(key)).toHaveLength(versions.length + 1);
  });

  test('another account sees and changes none of it', async () => {
    const key = await p256();
    const arn = `arn:aws:kms:eu-west-1:111122223333:key/${key}`;

    for (const [name, members] of [
      ['CreateKeyVersion', {}],
      ['ListKeyVersions', {}],
      ['PutKeyVersionRule', {}],
      ['UpdateKeyVersion', { Version: 1, State: 'DISABLED' }],
      ['GetKeyVersionPublicKey', { Version: 1 }],
      ['GetKeyJwks', {}],
    ] as const) {
      expect((await app.call(name, { KeyId: arn, ...members }, { caller: mallory })).code, name).toBe('AccessDeniedException');
    }
  });
});

describe('the JSON Web Key Set', () => {
  const jwks = async (KeyId: string, members: Members = {}): Promise<(JsonWebKey & Members)[]> =>
    (await app.must('GetKeyJwks', { KeyId, ...members })).keys as (JsonWebKey & Members)[];

  test.each([
    ['ECC_NIST_P256', 'SIGN_VERIFY', undefined, { kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256' }],
    ['ECC_NIST_P384', 'SIGN_VERIFY', undefined, { kty: 'EC', crv: 'P-384', use: 'sig', alg: 'ES384' }],
    ['ECC_NIST_P521', 'SIGN_VERIFY', undefined, { kty: 'EC', crv: 'P-521', use: 'sig', alg: 'ES512' }],
    ['ECC_SECG_P256K1', 'SIGN_VERIFY', undefined, { kty: 'EC', crv: 'secp256k1', use: 'sig', alg: 'ES256K' }],
    ['RSA_2048', 'SIGN_VERIFY', undefined, { kty: 'RSA', e: 'AQAB', use: 'sig' }],
    ['RSA_2048', 'SIGN_VERIFY', 'RSASSA_PSS_SHA_384', { kty: 'RSA', use: 'sig', alg: 'PS384' }],
    ['RSA_2048', 'SIGN_VERIFY', 'RSASSA_PKCS1_V1_5_SHA_256', { kty: 'RSA', use: 'sig', alg: 'RS256' }],
    ['RSA_2048', 'ENCRYPT_DECRYPT', 'RSAES_OAEP_SHA_256', { kty: 'RSA', use: 'enc', alg: 'RSA-OAEP-256' }],
    ['RSA_2048', 'ENCRYPT_DECRYPT', 'RSAES_OAEP_SHA_1', { kty: 'RSA', use: 'enc', alg: 'RSA-OAEP' }],
  ])('%s for %s, read for %s', async (KeySpec, KeyUsage, Algorithm, expected) => {
    const key = await create({ KeySpec, KeyUsage });

    const [jwk, ...others] = await jwks(key, Algorithm === undefined ? {} : { Algorithm });

    expect(others).toEqual([]);
    expect(jwk).toMatchObject({ ...expected, kid: keyMaterialId(key, 1) });
    if (!('alg' in expected)) expect(jwk).not.toHaveProperty('alg');
    expect(Object.keys(jwk!)).not.toContain('d');
    const spki = createPublicKey({ key: jwk!, format: 'jwk' }).export({ format: 'der', type: 'spki' });
    expect(spki.toString('base64')).toBe((await app.must('GetPublicKey', { KeyId: key })).PublicKey);
  });

  test('holds the current and the retiring keys, newest first, and verifies by the kid that Sign gives', async () => {
    const key = await p256();
    await newVersion(key);
    const signed = await app.must('Sign', { KeyId: key, ...message });
    await newVersion(key);
    await newVersion(key);
    await app.must('UpdateKeyVersion', { KeyId: key, Version: 1, State: 'DISABLED' });
    await app.must('UpdateKeyVersion', { KeyId: key, Version: 3, State: 'RETIRING', AcceptUntil: app.clock.now() / 1000 - 1 });

    const set = await jwks(key);

    expect(set.map(({ kid }) => kid)).toEqual([4, 2].map((version) => keyMaterialId(key, version)));
    const jwk = set.find(({ kid }) => kid === signed.KeyMaterialId)!;
    // The software keys of this test sign the digest's digest.
    expect(signed.KeyMaterialId).toBe(keyMaterialId(key, 2));
    expect(verify('sha256', Buffer.from('another'), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(String(signed.Signature), 'base64'))).toBe(false);
  });
});
