import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ItemKey } from '#shared/ports/record-store.ts';
import { keyRow, usageRow } from '#shared/repositories/rows.ts';
import { editRow, readRow } from '#test/support/edit-row.ts';
import { type InProcess, startInProcess } from '#test/support/in-process.ts';
import { base64 } from '#test/support/sample-requests.ts';
import { runDue, synchronize } from '#test/support/synchronize.ts';
import { dublin, frankfurt, inRegion, primaryKey, replicatedKey, tokyo } from '#test/support/two-regions.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const places = [dublin, frankfurt, tokyo];

test('rotations, replicas and policies at the same moment: nothing is lost, and every key opens what every other made', async () => {
  const keyId = await primaryKey(app);
  const other = app.another();
  const here = [inRegion(app, dublin), inRegion(other, dublin)];

  const answers = await Promise.all([
    ...[frankfurt, tokyo].map(({ region }, at) => here[at]!.call('ReplicateKey', { KeyId: keyId, ReplicaRegion: region })),
    ...[0, 1, 0, 1].map((at) => here[at]!.call('RotateKeyOnDemand', { KeyId: keyId })),
    here[0]!.call('UpdateKeyDescription', { KeyId: keyId, Description: 'kept' }),
  ]);
  await synchronize(app);

  expect(answers.map(({ code }) => code)).toEqual(answers.map(() => undefined));
  const blobs = await Promise.all(places.map(async (place) => (await inRegion(app, place).must('Encrypt', { KeyId: keyId, Plaintext: base64('m') })).CiphertextBlob));
  for (const place of places) {
    for (const CiphertextBlob of blobs) expect((await inRegion(app, place).must('Decrypt', { CiphertextBlob })).Plaintext).toBe(base64('m'));
    expect((await inRegion(app, place).must('ListKeyRotations', { KeyId: keyId })).Rotations).toHaveLength(4);
  }
  expect(await here[0]!.describe(keyId)).toMatchObject({ Description: 'kept' });
});

test('a replica that is disabled while it becomes the primary key does not come back enabled', async () => {
  for (let round = 0; round < 5; round += 1) {
    const keyId = await replicatedKey(app);

    const [moved, disabled] = await Promise.all([
      inRegion(app, dublin).call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: frankfurt.region }),
      inRegion(app, frankfurt).call('DisableKey', { KeyId: keyId }),
    ]);
    await synchronize(app);

    // One of them was first: the other met its outcome.
    expect([moved.code, disabled.code].filter((code) => code === undefined)).toHaveLength(1);
    expect((await inRegion(app, frankfurt).describe(keyId)).KeyState).toBe(disabled.code === undefined ? 'Disabled' : 'Enabled');
  }
});

test('a replica that is disabled between the look at the request and the look at the set is not made the primary key', async () => {
  const keyId = await replicatedKey(app);
  const row = keyRow({ region: frankfurt.region, keyId });
  const enabled = readRow(app.path, row);
  await inRegion(app.another(), frankfurt).must('DisableKey', { KeyId: keyId });
  const disabled = readRow(app.path, row);
  editRow(app.path, row, () => enabled);
  let looks = 0;
  app.faults.store = (call, keys) => {
    if (call !== 'getMany' || !(keys as readonly ItemKey[]).some(({ pk, sk }) => pk === row.pk && sk === row.sk)) return;
    looks += 1;
    if (looks === 2) editRow(app.path, row, () => disabled);
  };

  const answer = await inRegion(app, dublin).call('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: frankfurt.region });

  expect(answer).toMatchObject({ code: 'KMSInvalidStateException', message: expect.stringContaining('Disabled') });
  expect(await inRegion(app, dublin).describe(keyId)).toMatchObject({ KeyState: 'Enabled', MultiRegionConfiguration: { MultiRegionKeyType: 'PRIMARY' } });
});

test('a primary key that is scheduled for deletion while a replica is made waits for it, or the replica is refused', async () => {
  for (let round = 0; round < 5; round += 1) {
    const keyId = await primaryKey(app);

    const [replicated, scheduled] = await Promise.all([
      inRegion(app, dublin).call('ReplicateKey', { KeyId: keyId, ReplicaRegion: frankfurt.region }),
      inRegion(app, dublin).call('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 }),
    ]);

    expect(scheduled.body.KeyState).toBe(replicated.code === undefined ? 'PendingReplicaDeletion' : 'PendingDeletion');
  }
});

test('a replica that has encrypted its part makes its whole set rotate, and one that went beyond encrypts no more', async () => {
  const keyId = await replicatedKey(app);
  const row = usageRow({ region: frankfurt.region, keyId }, 1);
  const count = (encryptions: number, rev: number) => app.store.transact([{ put: { ...row, rev, body: { encryptions, region: frankfurt.region, keyId, version: 1 } } }]);
  await count(2 ** 28, 1);
  const refused = await inRegion(app, frankfurt).call('Encrypt', { KeyId: keyId, Plaintext: base64('x') });
  await count(2 ** 27, 2);
  const beyond = await inRegion(app.another(), frankfurt).call('Encrypt', { KeyId: keyId, Plaintext: base64('x') });

  const tasks = await runDue(app, 'ENCRYPTION_COUNT');

  expect(refused.code).toBe('LimitExceededException');
  expect(beyond.code).toBeUndefined();
  expect(tasks).toBe(1);
  for (const place of [dublin, frankfurt]) expect((await inRegion(app, place).must('ListKeyRotations', { KeyId: keyId })).Rotations).toHaveLength(1);
});
