import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { lastUseRow } from '#shared/repositories/rows.ts';
import { alice, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { base64, createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';

let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

const usage = async (of: InProcess, KeyId: string): Promise<Members> => (await of.must('GetKeyLastUsage', { KeyId })).KeyLastUsage as Members;
const row = async (keyId: string) => (await app.store.getMany([lastUseRow({ region: alice.region, keyId })]))[0];
const encrypt = (KeyId = keys.symmetric): Promise<Members> => app.must('Encrypt', { KeyId, Plaintext: base64('x') });
const minuteDays = 1 / 1440;

/** KeyLastUsageTrackingOperation of the model, as far as the operations are here. */
const tracked = ['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateMac', 'ReEncrypt', 'Sign', 'Verify', 'VerifyMac'];

describe('GetKeyLastUsage', () => {
  test('a key that was never used answers an empty element, and since when that holds', async () => {
    const answer = await app.must('GetKeyLastUsage', { KeyId: keys.symmetric });

    expect(answer.KeyLastUsage).toEqual({});
    expect(answer).toMatchObject({ KeyId: keys.symmetric, TrackingStartDate: app.clock.now() / 1000, KeyCreationDate: app.clock.now() / 1000 });
  });

  test.each(tracked)('%s is a use: with its time, its request and the event of its audit record', async (name) => {
    const members = await sampleRequest(app, keys, name);
    app.clock.advanceDays(1);

    const answer = await app.call(name, members);

    const record = app.audit.at(-1)!;
    for (const { arn } of record.resources) {
      expect(await usage(app, arn)).toEqual({
        Operation: name,
        Timestamp: app.clock.now() / 1000,
        CloudTrailEventId: record.eventId,
        KmsRequestId: answer.raw.headers['x-amzn-requestid'],
      });
    }
    expect(record.operation).toBe(name);
    expect(record.resources).not.toEqual([]);
  });

  test('these are the operations that declare it, and their batches', () => {
    const declaring = operations.filter(({ needs }) => needs.includes('usage'));

    expect(declaring.filter(({ batchOf }) => batchOf === undefined).map(({ name }) => name)).toEqual(expect.arrayContaining(tracked));
    for (const { name, needs } of operations.filter(({ batchOf }) => batchOf !== undefined)) expect(needs, name).toContain('usage');
  });

  test('a refused, failed or dry request, and a look at the key, are no uses', async () => {
    await app.call('Encrypt', { KeyId: keys.symmetric, Plaintext: base64('x'), DryRun: true });
    await app.call('Encrypt', { KeyId: keys.symmetric });
    await app.call('Decrypt', { KeyId: keys.symmetric, CiphertextBlob: base64('x'.repeat(80)) });
    await app.must('DescribeKey', { KeyId: keys.symmetric });
    await app.must('GetPublicKey', { KeyId: keys.signing });

    expect(await usage(app, keys.symmetric)).toEqual({});
    expect(await usage(app, keys.signing)).toEqual({});
  });

  test('an item of a batch is a use of the single operation, and only when it succeeded', async () => {
    await app.must('EncryptBatch', { Items: [keys.symmetric, keys.hmac].map((KeyId) => ({ KeyId, Plaintext: base64('x') })) });

    expect(await usage(app, keys.symmetric)).toMatchObject({ Operation: 'Encrypt' });
    expect(await usage(app, keys.hmac)).toEqual({});
  });

  test('a process writes once per key and hour; another process is at most that hour behind, and never ahead', async () => {
    let writes = 0;
    app.faults.store = (call) => {
      if (call === 'transact') writes += 1;
    };
    await encrypt();
    const first = app.clock.now() / 1000;
    writes = 0;

    for (let minute = 1; minute < 60; minute += 1) {
      app.clock.advanceDays(minuteDays);
      await encrypt();
    }
    const other = app.another();

    expect(writes).toBe(0);
    expect(await usage(other, keys.symmetric)).toMatchObject({ Timestamp: first });
    expect(await usage(app, keys.symmetric)).toMatchObject({ Timestamp: app.clock.now() / 1000 });
    app.clock.advanceDays(minuteDays);
    await encrypt();
    expect(writes).toBe(1);
    expect(await usage(other, keys.symmetric)).toMatchObject({ Timestamp: app.clock.now() / 1000 });
  });

  test('what is only remembered is written when the process ends in order', async () => {
    await encrypt();
    app.clock.advanceDays(minuteDays);
    await app.must('GenerateDataKey', { KeyId: keys.symmetric, KeySpec: 'AES_256' });

    await app.service.ports.usage.flush();

    expect((await row(keys.symmetric))!.body).toMatchObject({ operation: 'GenerateDataKey', at: app.clock.now() });
  });

  test('a store that refuses the note does not refuse the use, and the next use is noted', async () => {
    await encrypt(keys.otherSymmetric);
    app.faults.store = (call, argument) => {
      if (call === 'transact' && JSON.stringify(argument).includes('LASTUSE#')) throw new StoreUnavailable('full');
    };
    const used = await app.call('Encrypt', { KeyId: keys.symmetric, Plaintext: base64('x') });
    app.faults.store = undefined;
    app.clock.advanceDays(2 * minuteDays);
    await encrypt();

    expect(used.code).toBeUndefined();
    expect((await row(keys.symmetric))!.body.at).toBe(app.clock.now());
  });

  test('an alias is no key id here, as in AWS KMS', async () => {
    await app.must('CreateAlias', { AliasName: 'alias/used', TargetKeyId: keys.symmetric });

    const answer = await app.call('GetKeyLastUsage', { KeyId: 'alias/used' });

    expect(answer.code).toBe('NotFoundException');
  });
});
