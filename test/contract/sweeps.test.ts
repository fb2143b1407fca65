import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { encryptionsBeforeRoll } from '#shared/repositories/encryption-counter.ts';
import { keyRow, usageRow } from '#shared/repositories/rows.ts';
import { type DueTask, findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { countRows, editRow } from '#test/support/edit-row.ts';
import { alice, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { base64 } from '#test/support/sample-requests.ts';
import { readKey } from '#test/support/set-key-state.ts';

const { region } = alice;
let app: InProcess;
let keyId: string;
beforeEach(async () => {
  app = startInProcess();
  keyId = await createKey();
});
afterEach(() => app.close());

const createKey = async (): Promise<string> => ((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;
async function dueTasks(): Promise<DueTask[]> {
  const tasks: DueTask[] = [];
  for await (const task of findDueTasks(app.store, app.clock.now())) tasks.push(task);
  return tasks;
}

async function sweep(): Promise<DueTask[]> {
  const tasks = await dueTasks();
  for (const task of tasks) await runDueTask(app.service, task);
  return tasks;
}

describe('scheduled rotation', () => {
  beforeEach(async () => {
    await app.must('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 });
  });

  test('happens when it is due and not before', async () => {
    app.clock.advanceDays(89);
    expect(await sweep()).toEqual([]);

    app.clock.advanceDays(1);
    expect(await sweep()).toEqual([{ kind: 'ROTATION', account: alice.account, region, keyId, version: 1 }]);

    const { record } = await readKey(app, keyId);
    expect(record).toMatchObject({ currentVersion: 2, rotation: { enabled: true, periodDays: 90, onDemandCount: 0, nextAt: app.clock.now() + 90 * 86_400_000 } });
    expect((await app.must('ListKeyRotations', { KeyId: keyId })).Rotations).toEqual([expect.objectContaining({ RotationType: 'AUTOMATIC' })]);
    expect(await sweep()).toEqual([]);
  });

  test('a key that was overdue for years rotates once, and next after a full period', async () => {
    app.clock.advanceDays(1000);

    await sweep();

    expect((await readKey(app, keyId)).record).toMatchObject({ currentVersion: 2, rotation: { nextAt: app.clock.now() + 90 * 86_400_000 } });
    expect(await sweep()).toEqual([]);
  });

  test('the same task given twice, or five times at once by two processes, rotates once', async () => {
    app.clock.advanceDays(90);
    const [task] = await dueTasks();
    const other = app.another();

    await Promise.allSettled([0, 1, 2, 3, 4].map((at) => runDueTask((at % 2 === 0 ? app : other).service, task!)));
    await runDueTask(app.service, task!);

    expect((await readKey(app, keyId)).record.currentVersion).toBe(2);
  });

  test('a task that is out of date leaves no record', async () => {
    app.clock.advanceDays(90);
    const [task] = await sweep();
    await app.drain();
    const before = app.audit.length;

    await runDueTask(app.service, task!);
    await app.drain();

    expect(app.audit).toHaveLength(before);
  });

  test('is recorded as done by the service', async () => {
    app.clock.advanceDays(90);

    await sweep();
    await app.drain();

    expect(app.audit.find((record) => record.operation === 'RotateKey')).toMatchObject({
      protocol: 'system',
      outcome: 'success',
      principal: { id: 'chatelaine' },
      parameters: { reason: 'SCHEDULE' },
    });
  });

  test('does not happen to a disabled key, and is made up for once it is enabled', async () => {
    await app.must('DisableKey', { KeyId: keyId });
    app.clock.advanceDays(120);
    expect(await sweep()).toEqual([]);

    await app.must('EnableKey', { KeyId: keyId });

    expect(await sweep()).toHaveLength(1);
    expect((await readKey(app, keyId)).record.currentVersion).toBe(2);
  });

  test('does not happen after it was turned off, nor to a key that is pending deletion', async () => {
    const other = await createKey();
    await app.must('EnableKeyRotation', { KeyId: other, RotationPeriodInDays: 90 });
    await app.must('ScheduleKeyDeletion', { KeyId: other, PendingWindowInDays: 30 });
    await app.must('DisableKeyRotation', { KeyId: keyId });
    app.clock.advanceDays(29);

    expect(await sweep()).toEqual([]);
  });

  test('what was encrypted before still decrypts after it', async () => {
    const blob = (await app.must('Encrypt', { KeyId: keyId, Plaintext: base64('old') })).CiphertextBlob;
    app.clock.advanceDays(90);

    await sweep();

    expect((await app.must('Decrypt', { CiphertextBlob: blob })).Plaintext).toBe(base64('old'));
  });

  test('a rotation that the HSM could not do stays due', async () => {
    app.clock.advanceDays(90);
    app.crypto.failWith = 'unavailable';
    await expect(sweep()).rejects.toThrow();
    app.crypto.failWith = undefined;

    expect(await sweep()).toHaveLength(1);
    expect((await readKey(app, keyId)).record.currentVersion).toBe(2);
  });
});

describe('a version that has encrypted enough', () => {
  const setCount = (encryptions: number) => app.store.transact([{ put: { ...usageRow({ region, keyId }, 1), rev: 1, body: { encryptions, region, keyId, version: 1 } } }]);

  test('gets a successor, rotation turned on or not, and the count leaves the list of what is due', async () => {
    await setCount(encryptionsBeforeRoll - 1);
    await app.must('Encrypt', { KeyId: keyId, Plaintext: base64('x') });

    expect(await sweep()).toEqual([{ kind: 'ENCRYPTION_COUNT', account: alice.account, region, keyId, version: 1 }]);

    const { record } = await readKey(app, keyId);
    expect(record).toMatchObject({ currentVersion: 2, rotation: { enabled: false, onDemandCount: 0 } });
    await sweep();
    expect(await dueTasks()).toEqual([]);
    expect(record.rotation.nextAt).toBeUndefined();
  });

  test('is not rolled again by a repeated task', async () => {
    await setCount(encryptionsBeforeRoll);
    await app.must('Encrypt', { KeyId: keyId, Plaintext: base64('x') });
    const [task] = await dueTasks();

    await Promise.allSettled([runDueTask(app.service, task!), runDueTask(app.service, task!), runDueTask(app.another().service, task!)]);

    expect((await readKey(app, keyId)).record.currentVersion).toBe(2);
  });

  test('with a count below the mark nothing is due', async () => {
    for (let at = 0; at < 5; at += 1) await app.must('Encrypt', { KeyId: keyId, Plaintext: base64('x') });

    expect(await dueTasks()).toEqual([]);
  });
});

describe('destruction', () => {
  const rowsOfKey = (): number => countRows(app.path, 'core', `KEY#${region}#${keyId}`) + countRows(app.path, 'material', `KEY#${region}#${keyId}`);

  beforeEach(async () => {
    await app.must('RotateKeyOnDemand', { KeyId: keyId });
    for (const name of ['alias/one', 'alias/two']) await app.must('CreateAlias', { AliasName: name, TargetKeyId: keyId });
    await app.must('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 });
  });

  test('waits for the end of the window, then erases the key, every version of its material and its aliases', async () => {
    app.clock.advanceDays(6.99);
    expect(await sweep()).toEqual([]);
    expect(rowsOfKey()).toBe(7);

    app.clock.advanceDays(0.01);
    expect(await sweep()).toEqual([{ kind: 'DELETION', account: alice.account, region, keyId, version: 2 }]);

    expect(rowsOfKey()).toBe(0);
    expect(countRows(app.path, 'core', 'ALIAS#')).toBe(0);
    expect((await app.call('DescribeKey', { KeyId: keyId })).code).toBe('NotFoundException');
    expect((await app.call('DescribeKey', { KeyId: 'alias/one' })).code).toBe('NotFoundException');
    expect((await app.must('ListKeys', {})).Keys).toEqual([]);
    expect((await app.must('ListAliases', {})).Aliases).toEqual([]);
  });

  test('leaves the other keys and their aliases alone', async () => {
    const other = await createKey();
    await app.must('CreateAlias', { AliasName: 'alias/three', TargetKeyId: other });
    app.clock.advanceDays(7);

    await sweep();

    expect((await app.must('DescribeKey', { KeyId: 'alias/three' })).KeyMetadata).toMatchObject({ KeyId: other });
    expect((await app.must('Encrypt', { KeyId: other, Plaintext: base64('x') })).CiphertextBlob).toBeDefined();
  });

  test('does not happen after it was cancelled, not even by a task that was found before', async () => {
    app.clock.advanceDays(7);
    const [task] = await dueTasks();
    await app.must('CancelKeyDeletion', { KeyId: keyId });

    await runDueTask(app.service, task!);

    expect((await app.must('DescribeKey', { KeyId: keyId })).KeyMetadata).toMatchObject({ KeyState: 'Disabled' });
    expect(rowsOfKey()).toBe(7);
  });

  test('a cancellation that comes while it runs either wins whole or comes too late', async () => {
    app.clock.advanceDays(7);
    const [task] = await dueTasks();

    const [, cancelled] = await Promise.all([runDueTask(app.service, task!).catch(() => undefined), app.another().call('CancelKeyDeletion', { KeyId: keyId })]);

    if (cancelled.code !== undefined) expect(rowsOfKey()).toBe(0);
    else expect(((await app.must('DescribeKey', { KeyId: keyId })).KeyMetadata as Members).KeyState).toBe('Disabled');
  });

  for (const failing of [1, 2, 3, 4]) {
    test(`one that broke off at its transaction ${failing} is finished by the next sweep, and the key is of no use in between`, async () => {
      app.clock.advanceDays(7);
      let transactions = 0;
      app.faults.store = (call) => {
        if (call === 'transact' && ++transactions >= failing) throw new StoreUnavailable('the process died');
      };
      await expect(sweep()).rejects.toThrow();
      app.faults.store = undefined;
      const between = await app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') });

      expect(await sweep()).toHaveLength(1);

      expect(between.code).toBe('KMSInvalidStateException');
      expect(rowsOfKey()).toBe(0);
      expect(countRows(app.path, 'core', 'ALIAS#')).toBe(0);
    });
  }

  test('is recorded once as a success, with the key, however often the task is given', async () => {
    app.clock.advanceDays(7);
    const [task] = await dueTasks();

    for (let at = 0; at < 3; at += 1) await runDueTask(app.service, task!);
    await app.drain();

    const records = app.audit.filter((record) => record.operation === 'DeleteKey');
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ outcome: 'success', protocol: 'system', resources: [{ arn: `arn:aws:kms:${region}:${alice.account}:key/${keyId}` }] });
  });

  test('a key with more aliases and versions than one transaction holds is erased whole', async () => {
    await app.must('CancelKeyDeletion', { KeyId: keyId });
    await app.must('EnableKey', { KeyId: keyId });
    for (let at = 0; at < 48; at += 1) await app.must('CreateAlias', { AliasName: `alias/more-${at}`, TargetKeyId: keyId });
    for (let at = 0; at < 24; at += 1) await app.must('RotateKeyOnDemand', { KeyId: keyId });
    await app.must('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(7);

    await sweep();

    expect(rowsOfKey()).toBe(0);
    expect(countRows(app.path, 'core', 'ALIAS#')).toBe(0);
  });
});

describe('one bad row among many', () => {
  test('fails as its own task and does not keep the others from being done', async () => {
    const others = await Promise.all([createKey(), createKey(), createKey()]);
    for (const id of [keyId, ...others]) await app.must('EnableKeyRotation', { KeyId: id, RotationPeriodInDays: 90 });
    editRow(app.path, keyRow({ region, keyId }), (row) => ({ ...row, body: { broken: true } }));
    app.clock.advanceDays(90);

    const outcomes = await Promise.allSettled((await dueTasks()).map((task) => runDueTask(app.service, task)));

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    for (const id of others) expect((await readKey(app, id)).record.currentVersion).toBe(2);
  });

  test('an edited row is not rotated or destroyed', async () => {
    await app.must('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 30 });
    editRow(app.path, keyRow({ region, keyId }), (row) => ({ ...row, body: { ...row.body, deletion: { at: 0, pendingWindowDays: 7, requestedBy: 'nobody' } } }));

    await expect(runDueTask(app.service, { kind: 'DELETION', account: alice.account, region, keyId, version: 1 })).rejects.toMatchObject({ code: 'KMSInternalException' });

    expect(countRows(app.path, 'material', `KEY#${region}#${keyId}`)).toBe(1);
    expect(app.alarms).toContainEqual(expect.objectContaining({ kind: 'seal-broken' }));
  });
});
