import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { materialRow } from '#shared/repositories/rows.ts';
import { type InProcess, startInProcess } from '#test/support/in-process.ts';
import { base64 } from '#test/support/sample-requests.ts';
import { runDue, synchronize } from '#test/support/synchronize.ts';
import { dublin, frankfurt, inRegion, primaryKey, replicate, replicatedKey, tokyo } from '#test/support/two-regions.ts';

let app: InProcess;
let here: ReturnType<typeof inRegion>;
let there: ReturnType<typeof inRegion>;
beforeEach(() => {
  app = startInProcess();
  here = inRegion(app, dublin);
  there = inRegion(app, frankfurt);
});
afterEach(() => app.close());

const arnIn = (region: string, keyId: string): string => `arn:aws:kms:${region}:${dublin.account}:key/${keyId}`;
const encrypt = async (at: typeof here, KeyId: string): Promise<unknown> => (await at.must('Encrypt', { KeyId, Plaintext: base64('hello') })).CiphertextBlob;
const decrypted = async (at: typeof here, CiphertextBlob: unknown): Promise<unknown> => (await at.must('Decrypt', { CiphertextBlob })).Plaintext;

describe('ReplicateKey', () => {
  test('answers with the replica that is being made, and the sweep makes it whole', async () => {
    const keyId = await primaryKey(app);

    const answer = await here.must('ReplicateKey', { KeyId: keyId, ReplicaRegion: frankfurt.region, Description: 'copy', Tags: [{ TagKey: 'a', TagValue: 'b' }] });
    const early = await there.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') });
    await synchronize(app);

    const configuration = {
      PrimaryKey: { Arn: arnIn(dublin.region, keyId), Region: dublin.region },
      ReplicaKeys: [{ Arn: arnIn(frankfurt.region, keyId), Region: frankfurt.region }],
    };
    expect(answer.ReplicaKeyMetadata).toMatchObject({ KeyId: keyId, Arn: arnIn(frankfurt.region, keyId), KeyState: 'Creating', Description: 'copy', Enabled: false });
    expect(answer.ReplicaKeyMetadata).toMatchObject({ MultiRegion: true, MultiRegionConfiguration: { MultiRegionKeyType: 'REPLICA', ...configuration } });
    expect(answer.ReplicaTags).toEqual([{ TagKey: 'a', TagValue: 'b' }]);
    expect(JSON.parse(String(answer.ReplicaPolicy))).toMatchObject({ Statement: [{ Action: 'kms:*' }] });
    expect(early).toMatchObject({ code: 'KMSInvalidStateException', message: expect.stringContaining('is creating.') });
    expect(await there.describe(keyId)).toMatchObject({ KeyState: 'Enabled', MultiRegionConfiguration: { MultiRegionKeyType: 'REPLICA', ...configuration } });
    expect(await here.describe(keyId)).toMatchObject({ KeyState: 'Enabled', MultiRegionConfiguration: { MultiRegionKeyType: 'PRIMARY', ...configuration } });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['Sign', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, 'ECDSA_SHA_256'],
    ['Sign', { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }, 'RSASSA_PSS_SHA_256'],
    ['Sign', { KeySpec: 'ML_DSA_44', KeyUsage: 'SIGN_VERIFY' }, 'ML_DSA_SHAKE_256'],
  ])('%s in one Region, Verify in the other: %j', async (_, members, SigningAlgorithm) => {
    const keyId = await replicatedKey(app, members);
    const message = { KeyId: keyId, Message: base64('m'), SigningAlgorithm };

    const { Signature } = await there.must('Sign', message);

    expect(await here.must('Verify', { ...message, Signature })).toMatchObject({ SignatureValid: true });
    expect((await there.must('GetPublicKey', { KeyId: keyId })).PublicKey).toBe((await here.must('GetPublicKey', { KeyId: keyId })).PublicKey);
  });

  test('a ciphertext of one Region opens in every other, under a key that was rotated before and after', async () => {
    const keyId = await primaryKey(app);
    const old = await encrypt(here, keyId);
    await here.must('RotateKeyOnDemand', { KeyId: keyId });
    await replicate(app, keyId, frankfurt);
    await replicate(app, keyId, tokyo);
    const before = await encrypt(here, keyId);
    await here.must('RotateKeyOnDemand', { KeyId: keyId });
    const after = await encrypt(there, keyId);

    for (const blob of [old, before, after]) {
      for (const place of [dublin, frankfurt, tokyo]) expect(await decrypted(inRegion(app, place), blob)).toBe(base64('hello'));
    }
    expect((await there.describe(keyId)).CurrentKeyMaterialId).toBe((await here.describe(keyId)).CurrentKeyMaterialId);
    expect((await there.must('ListKeyRotations', { KeyId: keyId })).Rotations).toHaveLength(2);
  });

  test('a replica of a key with many versions is made by several tasks, and is not used before the last', async () => {
    const keyId = await primaryKey(app);
    for (let rotation = 0; rotation < 22; rotation += 1) await here.must('RotateKeyOnDemand', { KeyId: keyId });
    await here.must('ReplicateKey', { KeyId: keyId, ReplicaRegion: frankfurt.region });

    await runDue(app, 'SYNCHRONIZATION');
    const halfway = (await there.describe(keyId)).KeyState;
    // A rotation in the middle reaches the half-made replica too.
    await here.must('RotateKeyOnDemand', { KeyId: keyId });
    await synchronize(app);

    expect(halfway).toBe('Creating');
    expect((await there.describe(keyId)).KeyState).toBe('Enabled');
    const rows = await app.store.query({ table: 'material', pk: materialRow({ region: frankfurt.region, keyId }, 1).pk, limit: 100 });
    expect(rows.items).toHaveLength(24);
  });

  test('a replica that is scheduled for deletion while it is made is made after the deletion is cancelled', async () => {
    const keyId = await primaryKey(app);
    await here.must('ReplicateKey', { KeyId: keyId, ReplicaRegion: frankfurt.region });
    await there.must('ScheduleKeyDeletion', { KeyId: keyId });
    await synchronize(app);
    await there.must('CancelKeyDeletion', { KeyId: keyId });
    const cancelled = (await there.describe(keyId)).KeyState;

    await synchronize(app);

    expect(cancelled).toBe('Creating');
    expect(await decrypted(there, await encrypt(here, keyId))).toBe(base64('hello'));
  });

  test('policy, description, tags, aliases, grants and state of a replica are its own', async () => {
    const keyId = await replicatedKey(app);
    await there.must('UpdateKeyDescription', { KeyId: keyId, Description: 'there' });
    await there.must('TagResource', { KeyId: keyId, Tags: [{ TagKey: 'place', TagValue: 'there' }] });
    await there.must('CreateAlias', { AliasName: 'alias/there', TargetKeyId: keyId });
    await there.must('CreateGrant', { KeyId: keyId, GranteePrincipal: 'arn:aws:iam::111122223333:user/someone', Operations: ['Encrypt'] });
    await there.must('DisableKey', { KeyId: keyId });

    expect(await here.describe(keyId)).toMatchObject({ Description: '', KeyState: 'Enabled' });
    expect((await here.must('ListResourceTags', { KeyId: keyId })).Tags).toEqual([]);
    expect((await here.must('ListAliases', { KeyId: keyId })).Aliases).toEqual([]);
    expect((await here.must('ListGrants', { KeyId: keyId })).Grants).toEqual([]);
    expect(await there.describe(keyId)).toMatchObject({ Description: 'there', KeyState: 'Disabled' });
  });

  test.each(['RotateKeyOnDemand', 'EnableKeyRotation', 'DisableKeyRotation'])('%s of a replica is refused', async (name) => {
    const keyId = await replicatedKey(app);

    const answer = await there.call(name, { KeyId: keyId });

    expect(answer).toMatchObject({ code: 'UnsupportedOperationException', message: expect.stringContaining('replica key') });
  });

  test('automatic rotation is that of the primary key, and reaches the replicas', async () => {
    const keyId = await replicatedKey(app);
    await here.must('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 });
    const status = await there.must('GetKeyRotationStatus', { KeyId: keyId });
    app.clock.advanceDays(91);

    const tasks = await runDue(app, 'ROTATION');

    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 90 });
    expect(tasks).toBe(1);
    expect((await there.must('ListKeyRotations', { KeyId: keyId })).Rotations).toMatchObject([{ RotationType: 'AUTOMATIC' }]);
    expect(await decrypted(here, await encrypt(there, keyId))).toBe(base64('hello'));
  });

  test('two replicas at the same moment are both made, and every key of the set names both', async () => {
    const keyId = await primaryKey(app);

    await Promise.all([frankfurt, tokyo].map(({ region }) => here.must('ReplicateKey', { KeyId: keyId, ReplicaRegion: region })));
    await synchronize(app);

    for (const place of [dublin, frankfurt, tokyo]) {
      const { MultiRegionConfiguration } = await inRegion(app, place).describe(keyId);
      expect(MultiRegionConfiguration).toMatchObject({ ReplicaKeys: [{ Region: tokyo.region }, { Region: frankfurt.region }] });
    }
  });

  test('a Region that the deployment does not keep gets no replica', async () => {
    const small = startInProcess({ regions: [dublin.region, frankfurt.region] });
    const keyId = await primaryKey(small);

    const answer = await inRegion(small, dublin).call('ReplicateKey', { KeyId: keyId, ReplicaRegion: tokyo.region });
    small.close();

    expect(answer).toMatchObject({ code: 'UnsupportedOperationException', message: expect.stringContaining(tokyo.region) });
  });

  test('a taken Region, a replica as source, and a policy that locks everybody out are refused', async () => {
    const keyId = await replicatedKey(app);

    const again = await here.call('ReplicateKey', { KeyId: keyId, ReplicaRegion: frankfurt.region });
    const ofReplica = await there.call('ReplicateKey', { KeyId: keyId, ReplicaRegion: tokyo.region });
    const lockedOut = await here.call('ReplicateKey', {
      KeyId: keyId,
      ReplicaRegion: tokyo.region,
      Policy: JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111122223333:user/other' }, Action: 'kms:*', Resource: '*' } }),
    });

    expect(again.code).toBe('AlreadyExistsException');
    expect(ofReplica.code).toBe('UnsupportedOperationException');
    expect(lockedOut.code).toBe('MalformedPolicyDocumentException');
    expect(await here.describe(keyId)).toMatchObject({ MultiRegionConfiguration: { ReplicaKeys: [{ Region: frankfurt.region }] } });
  });
});

describe('UpdatePrimaryRegion', () => {
  test('exchanges the two keys, both Updating and usable until the sweep has ended it', async () => {
    const keyId = await replicatedKey(app);
    await replicate(app, keyId, tokyo);

    await here.must('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: frankfurt.region });
    const during = [await here.describe(keyId), await there.describe(keyId)];
    const blob = await encrypt(there, keyId);
    const refused = await there.call('ReplicateKey', { KeyId: keyId, ReplicaRegion: 'us-east-1' });
    await synchronize(app);

    expect(during.map(({ KeyState }) => KeyState)).toEqual(['Updating', 'Updating']);
    expect(refused).toMatchObject({ code: 'KMSInvalidStateException', message: expect.stringContaining('is updating.') });
    expect(await decrypted(here, blob)).toBe(base64('hello'));
    for (const place of [dublin, frankfurt, tokyo]) {
      expect(await inRegion(app, place).describe(keyId)).toMatchObject({
        KeyState: 'Enabled',
        MultiRegionConfiguration: {
          MultiRegionKeyType: place === frankfurt ? 'PRIMARY' : 'REPLICA',
          PrimaryKey: { Region: frankfurt.region },
          ReplicaKeys: [{ Region: tokyo.region }, { Region: dublin.region }],
        },
      });
    }
    await there.must('RotateKeyOnDemand', { KeyId: keyId });
    expect(await decrypted(here, await encrypt(there, keyId))).toBe(base64('hello'));
  });

  test('needs a replica there that is Enabled', async () => {
    const keyId = await replicatedKey(app);
    await there.must('DisableKey', { KeyId: keyId });

    const disabled = await here.call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: frankfurt.region });
    const missing = await here.call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: tokyo.region });
    const own = await here.call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: dublin.region });

    expect(disabled).toMatchObject({ code: 'DisabledException', message: expect.stringContaining(frankfurt.region) });
    expect(missing.code).toBe('NotFoundException');
    expect(own.code).toBe('UnsupportedOperationException');
  });
});

describe('deletion', () => {
  test('a primary key waits for its last replica, and its waiting period begins then', async () => {
    const keyId = await replicatedKey(app);

    const scheduled = await here.must('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 });
    const waiting = await here.describe(keyId);
    app.clock.advanceDays(100);
    const early = await runDue(app, 'DELETION');
    await there.must('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    await runDue(app, 'DELETION');
    const counting = await here.describe(keyId);
    const last = app.clock.now() + 7 * 86_400_000;
    app.clock.advanceDays(8);
    await runDue(app, 'DELETION');

    expect(scheduled).toEqual({ KeyId: arnIn(dublin.region, keyId), KeyState: 'PendingReplicaDeletion', PendingWindowInDays: 7 });
    expect(waiting).toMatchObject({ KeyState: 'PendingReplicaDeletion', PendingDeletionWindowInDays: 7 });
    expect(waiting).not.toHaveProperty('DeletionDate');
    expect(early).toBe(0);
    expect(counting).toMatchObject({ KeyState: 'PendingDeletion', DeletionDate: last / 1000, MultiRegionConfiguration: { ReplicaKeys: [] } });
    expect(counting).not.toHaveProperty('PendingDeletionWindowInDays');
    expect((await here.call('DescribeKey', { KeyId: keyId })).code).toBe('NotFoundException');
  });

  test('a replica that is destroyed leaves the set, and can be made again', async () => {
    const keyId = await replicatedKey(app);
    const blob = await encrypt(there, keyId);
    await there.must('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    await runDue(app, 'DELETION');
    const gone = await there.call('DescribeKey', { KeyId: keyId });
    const left = await here.describe(keyId);
    await replicate(app, keyId, frankfurt);

    expect(gone.code).toBe('NotFoundException');
    expect(left).toMatchObject({ KeyState: 'Enabled', MultiRegionConfiguration: { ReplicaKeys: [] } });
    expect(await decrypted(there, blob)).toBe(base64('hello'));
  });
});
