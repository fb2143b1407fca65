import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '#shared/json.ts';
import { aliasRow, keyRow, materialRow } from '#shared/repositories/rows.ts';
import { editRow, readRow, type StoredRow } from '#test/support/edit-row.ts';
import { type Answer, alice, type InProcess, mallory, startInProcess } from '#test/support/in-process.ts';
import { base64, createSampleKeys, type SampleKeys } from '#test/support/sample-requests.ts';

const region = alice.region;
let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

const encrypt = (KeyId = keys.symmetric): Promise<Answer> => app.call('Encrypt', { KeyId, Plaintext: base64('x') });
const withBody = (change: JsonObject) => (row: StoredRow) => ({ ...row, body: { ...row.body, ...change } });

function expectRefused(answer: Answer, kind: 'seal-broken' | 'material-refused'): void {
  expect(answer).toMatchObject({ status: 500, code: 'KMSInternalException' });
  expect(answer.raw.body).not.toMatch(/seal|MAC|material/i);
  expect(app.alarms.map((alarm) => alarm.kind)).toContain(kind);
}

describe('a key row that was edited in the database (threat T-04)', () => {
  const forever = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}';
  const edits: Readonly<Record<string, (row: StoredRow) => StoredRow>> = {
    'another state': withBody({ state: 'Disabled' }),
    'another account': withBody({ account: mallory.account }),
    'another policy': withBody({ policy: forever }),
    'another version': withBody({ currentVersion: 2 }),
    'another usage': withBody({ keyUsage: 'SIGN_VERIFY' }),
    'another tag': withBody({ tags: [{ TagKey: 'admin', TagValue: 'yes' }] }),
    'another description': withBody({ description: 'edited' }),
    'another revision': (row) => ({ ...row, rev: row.rev + 1 }),
    'no seal': (row) => ({ ...row, seal: null }),
    'an empty seal': (row) => ({ ...row, seal: '' }),
    'a seal that is not base64': (row) => ({ ...row, seal: '!'.repeat(44) }),
    'a seal of the right shape': (row) => ({ ...row, seal: Buffer.alloc(32, 7).toString('base64') }),
    'a body that is no key': (row) => ({ ...row, body: { nothing: true } }),
  };

  test.each(Object.keys(edits))('with %s is not used and raises an alarm, whether or not it was seen before', async (what) => {
    await encrypt();
    editRow(app.path, keyRow({ region, keyId: keys.symmetric }), edits[what]!);

    const seen = await encrypt();
    const fresh = await app.another().call('DescribeKey', { KeyId: keys.symmetric });

    expectRefused(seen, 'seal-broken');
    expect(fresh.status).toBe(500);
  });

  test('a sealed row copied from another key is refused', async () => {
    const other = readRow(app.path, keyRow({ region, keyId: keys.otherSymmetric }));
    editRow(app.path, keyRow({ region, keyId: keys.symmetric }), () => other);

    expectRefused(await encrypt(), 'seal-broken');
  });

  test('no operation repairs it by writing over it', async () => {
    editRow(app.path, keyRow({ region, keyId: keys.symmetric }), withBody({ state: 'Disabled' }));

    for (const name of ['EnableKey', 'DisableKey', 'TagResource', 'RotateKeyOnDemand', 'ScheduleKeyDeletion']) {
      const answer = await app.call(name, { KeyId: keys.symmetric, ...(name === 'TagResource' ? { Tags: [{ TagKey: 'a', TagValue: 'b' }] } : {}) });
      expectRefused(answer, 'seal-broken');
    }
  });

  test('its neighbours go on working, and so does the key once the row is put back', async () => {
    const before = readRow(app.path, keyRow({ region, keyId: keys.symmetric }));
    editRow(app.path, keyRow({ region, keyId: keys.symmetric }), withBody({ description: 'edited' }));

    expect((await encrypt(keys.otherSymmetric)).code).toBeUndefined();
    editRow(app.path, keyRow({ region, keyId: keys.symmetric }), () => before);
    expect((await encrypt()).code).toBeUndefined();
  });

  test('the refusal leaves its audit record like every other', async () => {
    await app.drain();
    const before = app.audit.length;
    editRow(app.path, keyRow({ region, keyId: keys.symmetric }), withBody({ description: 'edited' }));

    await encrypt();

    expect(app.audit.slice(before)).toEqual([expect.objectContaining({ operation: 'Encrypt', outcome: 'failed', errorCode: 'KMSInternalException' })]);
  });
});

describe('an alias row that was edited in the database (threat T-04)', () => {
  const name = { account: alice.account, region, aliasName: 'alias/payroll' };
  beforeEach(async () => {
    await app.must('CreateAlias', { AliasName: name.aliasName, TargetKeyId: keys.symmetric });
    await encrypt(name.aliasName);
  });

  const edits: Readonly<Record<string, (row: StoredRow) => StoredRow>> = {
    'another target': (row) => withBody({ targetKeyId: keys.otherSymmetric })(row),
    'another revision': (row) => ({ ...row, rev: row.rev + 1 }),
    'no seal': (row) => ({ ...row, seal: null }),
  };

  test.each(Object.keys(edits))('with %s leads nowhere', async (what) => {
    editRow(app.path, aliasRow(name), edits[what]!);

    expectRefused(await encrypt(name.aliasName), 'seal-broken');
    expectRefused(await app.call('UpdateAlias', { AliasName: name.aliasName, TargetKeyId: keys.symmetric }), 'seal-broken');
    expectRefused(await app.call('DeleteAlias', { AliasName: name.aliasName }), 'seal-broken');
  });

  test('a row copied from another alias leads nowhere', async () => {
    await app.must('CreateAlias', { AliasName: 'alias/other', TargetKeyId: keys.otherSymmetric });
    const other = readRow(app.path, aliasRow({ ...name, aliasName: 'alias/other' }));
    editRow(app.path, aliasRow(name), () => other);

    expectRefused(await encrypt(name.aliasName), 'seal-broken');
  });
});

describe('a material row that was edited in the database (threat T-04)', () => {
  const row = (keyId: string, version = 1) => materialRow({ region, keyId }, version);
  const flipped = (text: unknown): string => {
    const bytes = Buffer.from(String(text), 'base64');
    bytes[bytes.length >> 1]! ^= 1;
    return bytes.toString('base64');
  };
  const edits: Readonly<Record<string, (given: StoredRow) => StoredRow>> = {
    "another key's whole row": () => readRow(app.path, row(keys.otherSymmetric)),
    "another key's wrapped key": (given) => withBody({ wrapped: readRow(app.path, row(keys.otherSymmetric)).body.wrapped! })(given),
    "an HMAC key's wrapped key": (given) => withBody({ wrapped: readRow(app.path, row(keys.hmac)).body.wrapped! })(given),
    'a flipped bit in the wrapped key': (given) => withBody({ wrapped: flipped(given.body.wrapped) })(given),
    'a flipped bit in the tag': (given) => withBody({ tag: flipped(given.body.tag) })(given),
    'another spec': withBody({ keySpec: 'HMAC_256' }),
    'another usage': withBody({ keyUsage: 'GENERATE_VERIFY_MAC' }),
    'another account': withBody({ account: mallory.account }),
    'another version': withBody({ version: 2 }),
    'another epoch': withBody({ epoch: 2 }),
    'another protection level': withBody({ protection: 'EXTERNAL' }),
    'another origin': withBody({ origin: 'EXTERNAL' }),
    'another time': withBody({ createdAt: 1 }),
    'a public key': withBody({ publicKey: 'AAAA' }),
  };

  test.each(Object.keys(edits))('with %s is refused by everything that would use it, and raises an alarm', async (what) => {
    const sealed = (await app.must('Encrypt', { KeyId: keys.symmetric, Plaintext: base64('x') })).CiphertextBlob;
    editRow(app.path, row(keys.symmetric), edits[what]!);

    expectRefused(await encrypt(), 'material-refused');
    expectRefused(await app.call('Decrypt', { CiphertextBlob: sealed }), 'material-refused');
    expectRefused(await app.call('GenerateDataKey', { KeyId: keys.symmetric, KeySpec: 'AES_256' }), 'material-refused');
  });

  test('with the row of an older version in the place of the current one is refused', async () => {
    await app.must('RotateKeyOnDemand', { KeyId: keys.symmetric });
    const first = readRow(app.path, row(keys.symmetric, 1));
    editRow(app.path, row(keys.symmetric, 2), () => first);

    expectRefused(await encrypt(), 'material-refused');
  });

  test('a signing key whose public key was exchanged neither verifies nor shows it', async () => {
    const other = ((await app.must('CreateKey', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })).KeyMetadata as { KeyId: string }).KeyId;
    const foreign = readRow(app.path, row(other)).body.publicKey!;
    editRow(app.path, row(keys.signing), withBody({ publicKey: foreign }));

    expectRefused(await app.call('GetPublicKey', { KeyId: keys.signing }), 'material-refused');
    expectRefused(await app.call('Sign', { KeyId: keys.signing, Message: base64('x'), SigningAlgorithm: 'ECDSA_SHA_256' }), 'material-refused');
  });

  test('a row that is no material at all is refused without reaching the HSM', async () => {
    editRow(app.path, row(keys.symmetric), (given) => ({ ...given, body: { wrapped: 1 } }));

    expect(await encrypt()).toMatchObject({ status: 500, code: 'KMSInternalException' });
  });
});
