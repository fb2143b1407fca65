import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '#shared/json.ts';
import { keyRow, materialRow } from '#shared/repositories/rows.ts';
import { editRow } from '#test/support/edit-row.ts';
import { type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, give, keyPolicy, statement } from '#test/support/people.ts';
import { base64 } from '#test/support/sample-requests.ts';
import { runDue, synchronize } from '#test/support/synchronize.ts';
import { dublin, frankfurt, inRegion, primaryKey, replicate, replicatedKey } from '#test/support/two-regions.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const annHere = { ...ann, region: dublin.region };
const annThere = { ...ann, region: frankfurt.region };
const roleWith = (...statements: Members[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements.map((one) => ({ Effect: 'Allow', Resource: '*', ...one })) });
const replica = (more: Members = {}) => ({ ReplicaRegion: frankfurt.region, ...more });

describe('who may replicate', () => {
  test.each<[string, string, string | undefined]>([
    ['with kms:ReplicateKey alone', allowing('kms:ReplicateKey'), 'AccessDeniedException'],
    ['with kms:CreateKey alone', allowing('kms:CreateKey'), 'AccessDeniedException'],
    ['with both', allowing(['kms:ReplicateKey', 'kms:CreateKey']), undefined],
    ['into the Region that is allowed', allowing(['kms:ReplicateKey', 'kms:CreateKey'], { Condition: { StringEquals: { 'kms:ReplicaRegion': frankfurt.region } } }), undefined],
    ['into another Region', allowing(['kms:ReplicateKey', 'kms:CreateKey'], { Condition: { StringEquals: { 'kms:ReplicaRegion': 'us-east-1' } } }), 'AccessDeniedException'],
    [
      'where CreateKey is allowed in the Region of the replica, for replicas',
      roleWith(
        { Action: 'kms:ReplicateKey', Condition: { StringEquals: { 'kms:MultiRegionKeyType': 'PRIMARY', 'aws:RequestedRegion': dublin.region } } },
        {
          Action: 'kms:CreateKey',
          Condition: { StringEquals: { 'kms:MultiRegionKeyType': 'REPLICA', 'kms:KeySpec': 'SYMMETRIC_DEFAULT', 'aws:RequestedRegion': frankfurt.region } },
        },
      ),
      undefined,
    ],
    [
      'where CreateKey is allowed in the own Region only',
      roleWith({ Action: 'kms:ReplicateKey' }, { Action: 'kms:CreateKey', Condition: { StringEquals: { 'aws:RequestedRegion': dublin.region } } }),
      'AccessDeniedException',
    ],
  ])('%s', async (_, document, code) => {
    const keyId = await primaryKey(app);
    await give(app, ann, document);

    const answer = await app.call('ReplicateKey', { KeyId: keyId, ...replica() }, { caller: annHere });

    expect(answer.code, answer.message).toBe(code);
  });

  test('tags of the replica need the permission to tag', async () => {
    const keyId = await primaryKey(app);
    await give(app, ann, allowing(['kms:ReplicateKey', 'kms:CreateKey']));

    const answer = await app.call('ReplicateKey', { KeyId: keyId, ...replica({ Tags: [{ TagKey: 'a', TagValue: 'b' }] }) }, { caller: annHere });

    expect(answer).toMatchObject({ code: 'AccessDeniedException', message: expect.stringContaining('kms:TagResource') });
  });

  test('the flag makes a replica that its maker cannot correct', async () => {
    const keyId = await primaryKey(app);
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statement({ AWS: ann.principalArn }, 'kms:*') });

    const refused = await app.call('ReplicateKey', { KeyId: keyId, ...replica({ Policy }) }, { caller: dublin });
    await app.must('ReplicateKey', { KeyId: keyId, ...replica({ Policy, BypassPolicyLockoutSafetyCheck: true }) }, { caller: dublin });
    await synchronize(app);

    expect(refused.code).toBe('MalformedPolicyDocumentException');
    expect((await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') }, { caller: annThere })).code).toBeUndefined();
    expect((await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') }, { caller: annHere })).code).toBe('AccessDeniedException');
  });
});

describe('who may move the primary key', () => {
  const deny = { Effect: 'Deny', Principal: '*', Action: 'kms:UpdatePrimaryRegion', Resource: '*' };
  test.each<[string, typeof dublin]>([
    ['the primary key', dublin],
    ['the replica', frankfurt],
  ])('the policy of %s alone can refuse it', async (_, place) => {
    const keyId = await replicatedKey(app);
    await app.must('PutKeyPolicy', { KeyId: keyId, Policy: keyPolicy(dublin.account, deny) }, { caller: place });

    const answer = await app.call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: frankfurt.region }, { caller: dublin });

    expect(answer).toMatchObject({ code: 'AccessDeniedException', message: expect.stringContaining(`kms:${place.region}`) });
  });

  test('kms:PrimaryRegion and kms:MultiRegionKeyType decide', async () => {
    const keyId = await replicatedKey(app);
    await give(
      app,
      ann,
      roleWith(
        { Action: 'kms:UpdatePrimaryRegion', Condition: { StringEquals: { 'kms:MultiRegionKeyType': 'PRIMARY', 'kms:PrimaryRegion': frankfurt.region } } },
        { Action: 'kms:UpdatePrimaryRegion', Condition: { StringEquals: { 'kms:MultiRegionKeyType': 'REPLICA', 'aws:RequestedRegion': frankfurt.region } } },
      ),
    );

    const answer = await app.call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: frankfurt.region }, { caller: annHere });

    expect(answer.code, answer.message).toBeUndefined();
  });
});

describe('a writer to the database (threat T-04)', () => {
  const edit = (place: typeof dublin, keyId: string, change: JsonObject): void =>
    editRow(app.path, keyRow({ region: place.region, keyId }), (row) => ({ ...row, body: { ...row.body, ...change } }));

  test('who makes the replica the primary key has a key that answers nobody', async () => {
    const keyId = await replicatedKey(app);
    edit(frankfurt, keyId, { primaryRegion: frankfurt.region, replicaRegions: [] });

    const answer = await app.call('RotateKeyOnDemand', { KeyId: keyId }, { caller: frankfurt });

    expect(answer.code).toBe('KMSInternalException');
    expect(app.alarms).toMatchObject([{ kind: 'seal-broken' }]);
  });

  test('who edits a replica stops every change of the set at the primary key too', async () => {
    const keyId = await replicatedKey(app);
    edit(frankfurt, keyId, { state: 'Enabled', description: 'edited' });

    const answers = [
      await app.call('RotateKeyOnDemand', { KeyId: keyId }, { caller: dublin }),
      await app.call('ReplicateKey', { KeyId: keyId, ReplicaRegion: 'us-east-1' }, { caller: dublin }),
      await app.call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: frankfurt.region }, { caller: dublin }),
    ];

    for (const { code } of answers) expect(code).toBe('KMSInternalException');
    expect(app.alarms.map(({ kind }) => kind)).toEqual(['seal-broken', 'seal-broken', 'seal-broken']);
    expect((await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') }, { caller: dublin })).code).toBeUndefined();
  });

  test('who copies the material of one Region into another gets it refused', async () => {
    const keyId = await replicatedKey(app);
    const [item] = await app.store.getMany([materialRow({ region: dublin.region, keyId }, 1)]);
    editRow(app.path, materialRow({ region: frankfurt.region, keyId }, 1), (row) => ({ ...row, body: { ...item!.body, region: frankfurt.region } }));

    const answer = await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') }, { caller: frankfurt });

    expect(answer.code).toBe('KMSInternalException');
    expect(app.alarms).toMatchObject([{ kind: 'material-refused' }]);
  });

  test('who edits the material of the primary key gets no replica of it', async () => {
    const keyId = await primaryKey(app);
    editRow(app.path, materialRow({ region: dublin.region, keyId }, 1), (row) => ({ ...row, body: { ...row.body, keyUsage: 'SIGN_VERIFY' } }));
    await app.must('ReplicateKey', { KeyId: keyId, ...replica() }, { caller: dublin });

    await expect(runDue(app, 'SYNCHRONIZATION')).rejects.toThrow();

    expect((await inRegion(app, frankfurt).describe(keyId)).KeyState).toBe('Creating');
    expect(app.alarms).toMatchObject([{ kind: 'material-refused' }]);
  });

  test('who takes a replica away stops changes of the set, and its use elsewhere goes on', async () => {
    const keyId = await primaryKey(app);
    await replicate(app, keyId, frankfurt);
    await app.store.transact([{ delete: keyRow({ region: frankfurt.region, keyId }) }]);

    const answer = await app.call('RotateKeyOnDemand', { KeyId: keyId }, { caller: dublin });

    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect((await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') }, { caller: dublin })).code).toBeUndefined();
  });
});
