import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { usageRow } from '#shared/repositories/rows.ts';
import { type Answer, alice, awsJsonRequest, type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { base64, createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';
import { setKeyState } from '#test/support/set-key-state.ts';

let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

interface Result {
  readonly Output?: Members;
  readonly Error?: { readonly Code: string; readonly Message?: string };
}
const resultsOf = (answer: Answer): Result[] => answer.body.Results as Result[];
const outcomes = (answer: Answer): (string | undefined)[] => resultsOf(answer).map((result) => result.Error?.Code);
const item = (over: Members = {}): Members => ({ KeyId: keys.symmetric, Plaintext: base64('x'), ...over });
const send = (name: string, Items: unknown): Promise<Answer> => app.call(name, { Items });

const batches = operations.filter((operation) => operation.batchOf !== undefined);

/** Counts what reaches the store and the bridge while `work` runs. */
async function counted(work: () => Promise<unknown>): Promise<{ reads: number; writes: number; bridge: string[] }> {
  const seen = { reads: 0, writes: 0, bridge: [] as string[] };
  app.faults.store = (call) => {
    if (call === 'transact') seen.writes += 1;
    else seen.reads += 1;
  };
  const calls = app.crypto as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
  const originals = Object.entries(calls).filter(([, call]) => typeof call === 'function');
  for (const [name, call] of originals) {
    calls[name] = (...given) => {
      seen.bridge.push(name);
      return call(...given);
    };
  }
  try {
    await work();
  } finally {
    for (const [name, call] of originals) calls[name] = call;
    app.faults.store = undefined;
  }
  return seen;
}

describe('a batch is many requests of one operation', () => {
  test.each(batches.map((operation) => [operation.name, operation.batchOf!] as const))(
    '%s: an item answers with the members of the single operation, in order',
    async (name, single) => {
      const request = await sampleRequest(app, keys, name);

      const answer = await app.call(name, request);

      expect(answer.status).toBe(200);
      expect(answer.body.FailedCount).toBe(0);
      expect(resultsOf(answer)).toHaveLength(2);
      for (const { Output } of resultsOf(answer)) expect(Object.keys(single.output!.shape)).toEqual(expect.arrayContaining(Object.keys(Output!)));
    },
  );

  test.each(batches.map((operation) => [operation.name] as const))('%s is not on the wire protocol', async (name) => {
    const answer = await app.send(awsJsonRequest(name, await sampleRequest(app, keys, name)));

    expect(answer).toMatchObject({ status: 400, code: 'UnknownOperationException' });
  });

  test('what EncryptBatch makes, DecryptBatch, Decrypt and ReEncryptBatch open, item by item', async () => {
    const texts = Array.from({ length: 100 }, (_, at) => `text ${at}`);
    const KeyIds = [keys.symmetric, keys.otherSymmetric];
    const encrypted = resultsOf(
      await send(
        'EncryptBatch',
        texts.map((text, at) => item({ KeyId: KeyIds[at % 2], Plaintext: base64(text), EncryptionContext: { at: String(at) } })),
      ),
    );
    const blobs = encrypted.map(({ Output }, at) => ({ CiphertextBlob: Output!.CiphertextBlob, EncryptionContext: { at: String(at) } }));

    const decrypted = resultsOf(await send('DecryptBatch', blobs));
    const moved = resultsOf(
      await send(
        'ReEncryptBatch',
        blobs.map(({ CiphertextBlob, EncryptionContext }) => ({ CiphertextBlob, SourceEncryptionContext: EncryptionContext, DestinationKeyId: keys.symmetric })),
      ),
    );
    const back = resultsOf(
      await send(
        'DecryptBatch',
        moved.map(({ Output }) => ({ CiphertextBlob: Output!.CiphertextBlob })),
      ),
    );

    expect(decrypted.map(({ Output }) => Buffer.from(String(Output!.Plaintext), 'base64').toString())).toEqual(texts);
    expect(back.map(({ Output }) => Buffer.from(String(Output!.Plaintext), 'base64').toString())).toEqual(texts);
    expect(await app.must('Decrypt', blobs[7]!)).toMatchObject({ Plaintext: base64('text 7') });
  });

  test('every kind of failure stays with its item', async () => {
    await setKeyState(app, keys.otherSymmetric, 'Disabled');
    const foreign = ((await app.must('CreateKey', {}, { caller: mallory })).KeyMetadata as { Arn: string }).Arn;

    const answer = await send('EncryptBatch', [
      item(),
      item({ KeyId: 'aaaaaaaa-0000-0000-0000-000000000000' }),
      item({ KeyId: 'not a key' }),
      item({ KeyId: keys.otherSymmetric }),
      item({ KeyId: keys.hmac }),
      item({ KeyId: foreign }),
      item({ KeyId: keys.rsa, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256', Plaintext: base64('x'.repeat(200)) }),
      item({ Plaintext: 'no base64!' }),
      item({ Plaintext: base64('x'.repeat(4097)) }),
      item({ Other: 1 }),
      item({ EncryptionContext: { half: '\ud800' } }),
      item({ DryRun: true }),
      null,
      7,
      [],
      item({ KeyId: keys.rsa, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }),
      item(),
    ]);

    expect(answer.status).toBe(200);
    expect(outcomes(answer)).toEqual([
      undefined,
      'NotFoundException',
      'NotFoundException',
      'DisabledException',
      'InvalidKeyUsageException',
      'AccessDeniedException',
      'ValidationException',
      'SerializationException',
      'ValidationException',
      'ValidationException',
      'SerializationException',
      'DryRunOperationException',
      'SerializationException',
      'SerializationException',
      'SerializationException',
      undefined,
      undefined,
    ]);
    expect(answer.body.FailedCount).toBe(14);
  });

  test.each(['EncryptBatch', 'SignBatch', 'GenerateDataKeyBatch'])('%s: an item is refused in the words of the single operation', async (name) => {
    const single = operations.find((operation) => operation.name === name)!.batchOf!.name;
    const good = await sampleRequest(app, keys, single);
    const bad: Members[] = [
      { ...good, KeyId: keys.rsa },
      { ...good, KeyId: undefined },
      { ...good, KeyId: 'alias/none' },
      { ...good, DryRun: true },
      { ...good, DryRun: 'yes' },
    ];

    const answer = await send(name, JSON.parse(JSON.stringify(bad)));

    for (const [at, members] of bad.entries()) {
      const alone = await app.call(single, JSON.parse(JSON.stringify(members)) as Members);
      expect(resultsOf(answer)[at]!.Error).toEqual({ Code: alone.code, ...(alone.message === undefined ? {} : { Message: alone.message }) });
    }
  });

  test('a wrong signature is the failure of its item', async () => {
    const good = (await sampleRequest(app, keys, 'Verify')) as Members;

    const answer = await send('VerifyBatch', [good, { ...good, Message: base64('another') }, good]);

    expect(outcomes(answer)).toEqual([undefined, 'KMSInvalidSignatureException', undefined]);
  });

  test.each([
    ['none', []],
    ['a hundred and one', Array.from({ length: 101 }, () => ({}))],
    ['something else', 'items'],
  ])('a request with %s items is refused as a whole', async (_, Items) => {
    const answer = await send('EncryptBatch', Items);

    expect(['ValidationException', 'SerializationException']).toContain(answer.code);
  });

  test('an item counts as one encryption, and a version that is used up fails only its own items', async () => {
    const row = { ...usageRow({ region: alice.region, keyId: keys.otherSymmetric }, 1), rev: 1 };
    await app.store.transact([{ put: { ...row, body: { encryptions: 2 ** 32 - 2 ** 24 - 2 ** 10, region: alice.region, keyId: keys.otherSymmetric, version: 1 } } }]);
    const ofOther = Array.from({ length: 100 }, () => item({ KeyId: keys.otherSymmetric }));
    const codes: (string | undefined)[] = [];

    for (let round = 0; round < 11; round += 1) codes.push(...outcomes(await send('EncryptBatch', [...ofOther.slice(0, 99), item()])));

    expect(codes.filter((code) => code === undefined)).toHaveLength(2 ** 10 + 11);
    expect(codes.filter((code) => code === 'LimitExceededException')).toHaveLength(11 * 99 - 2 ** 10);
  });
});

describe('what a batch costs', () => {
  test.each([1, 100])('%i items are one read of the store, one round trip to the bridge and one audit record', async (size) => {
    await send('EncryptBatch', [item()]);
    await app.drain();
    const before = app.audit.length;

    const cost = await counted(() =>
      send(
        'EncryptBatch',
        Array.from({ length: size }, () => item()),
      ),
    );

    expect(cost).toEqual({ reads: 1, writes: 0, bridge: ['batch'] });
    expect(app.audit).toHaveLength(before + 1);
  });

  test('a hundred keys of their own are read in chunks of at most 100 rows', async () => {
    const created = await Promise.all(Array.from({ length: 100 }, async () => ((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId));
    const sizes: number[] = [];
    app.faults.store = (call, argument) => {
      if (call === 'getMany') sizes.push((argument as unknown[]).length);
    };

    const answer = await send(
      'GenerateDataKeyBatch',
      created.map((KeyId) => ({ KeyId, KeySpec: 'AES_256' })),
    );

    expect(answer.body.FailedCount).toBe(0);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(new Set(resultsOf(answer).map(({ Output }) => Output!.KeyId)).size).toBe(100);
  });
});

describe('the audit record of a batch', () => {
  test('names each item with its key, its outcome and its error, and nothing else of it', async () => {
    await send('EncryptBatch', [item({ EncryptionContext: { secret: 'context value' } }), item({ KeyId: 'alias/none' }), item({ KeyId: keys.hmac })]);

    const record = app.audit.at(-1)!;
    const arn = (keyId: string) => `arn:aws:kms:eu-west-1:${alice.account}:key/${keyId}`;
    expect(record).toMatchObject({ operation: 'EncryptBatch', outcome: 'failed', errorCode: 'NotFoundException' });
    expect(record.parameters).toEqual({
      failedCount: 2,
      items: [
        { index: 0, keys: { key: arn(keys.symmetric) }, outcome: 'success' },
        { index: 1, keys: { key: 'alias/none' }, outcome: 'failed', errorCode: 'NotFoundException' },
        { index: 2, keys: { key: arn(keys.hmac) }, outcome: 'failed', errorCode: 'InvalidKeyUsageException' },
      ],
    });
    expect(record.resources.map((resource) => resource.arn)).toEqual([arn(keys.symmetric), arn(keys.hmac)]);
  });

  test('says denied when any item was denied', async () => {
    const foreign = ((await app.must('CreateKey', {}, { caller: mallory })).KeyMetadata as { Arn: string }).Arn;

    await send('EncryptBatch', [item(), item({ KeyId: 'alias/none' }), item({ KeyId: foreign })]);

    expect(app.audit.at(-1)).toMatchObject({ outcome: 'denied', errorCode: 'AccessDeniedException' });
  });

  test('is the condition of the answer', async () => {
    app.faults.audit = new Error('full');

    const answer = await send('EncryptBatch', [item()]);

    expect(answer).toMatchObject({ status: 500, code: 'KMSInternalException' });
    expect(answer.raw.body).not.toContain('Ciphertext');
  });
});

describe('faults under a batch', () => {
  test('a bridge that is down, and a store that is down, fail the whole request', async () => {
    app.crypto.failWith = 'unavailable';
    const noBridge = await send('SignBatch', [await sampleRequest(app, keys, 'Sign')]);
    app.crypto.failWith = undefined;
    app.faults.store = () => {
      throw new StoreUnavailable('down');
    };
    const noStore = await send('EncryptBatch', [item(), item({ KeyId: 'not a key' })]);

    expect(noBridge).toMatchObject({ status: 503, code: 'DependencyTimeoutException' });
    expect(noStore).toMatchObject({ status: 503, code: 'DependencyTimeoutException' });
  });

  test('an edited key row fails only the items that name the key, and raises the alarm', async () => {
    const [row] = await app.store.getMany([{ table: 'core', pk: `KEY#eu-west-1#${keys.otherSymmetric}`, sk: 'META' }]);
    await app.store.transact([{ put: { ...row!, body: { ...row!.body, description: 'edited' } } }]);

    const answer = await send('EncryptBatch', [item(), item({ KeyId: keys.otherSymmetric }), item()]);

    expect(outcomes(answer)).toEqual([undefined, 'KMSInternalException', undefined]);
    expect(app.alarms).toContainEqual(expect.objectContaining({ kind: 'seal-broken' }));
  });

  test('swapped material fails only its items, and raises the alarm', async () => {
    const place = (keyId: string) => ({ table: 'material', pk: `KEY#eu-west-1#${keyId}`, sk: 'MAT#0000000001' }) as const;
    const [mine, other] = await app.store.getMany([place(keys.symmetric), place(keys.otherSymmetric)]);
    await app.store.transact([{ put: { ...mine!, ...place(keys.symmetric), body: other!.body } }]);

    const answer = await send('EncryptBatch', [item({ KeyId: keys.otherSymmetric }), item(), item({ KeyId: keys.otherSymmetric })]);

    expect(outcomes(answer)).toEqual([undefined, 'KMSInternalException', undefined]);
    expect(app.alarms).toContainEqual(expect.objectContaining({ kind: 'material-refused', resource: expect.stringContaining(keys.symmetric) }));
  });

  test('a missing material row fails only its items', async () => {
    await app.store.transact([{ delete: { table: 'material', pk: `KEY#eu-west-1#${keys.otherSymmetric}`, sk: 'MAT#0000000001' } }]);

    const answer = await send('EncryptBatch', [item({ KeyId: keys.otherSymmetric }), item()]);

    expect(outcomes(answer)).toEqual(['KeyUnavailableException', undefined]);
  });
});
