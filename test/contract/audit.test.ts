import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KmsError } from '#shared/errors.ts';
import { operations } from '#shared/operations/index.ts';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { awsJsonRequest, type InProcess, mallory, startInProcess } from '#test/support/in-process.ts';
import { base64, createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';
import { setKeyState } from '#test/support/set-key-state.ts';

let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

/** What the work leaves on the sink, the outbox included. */
async function recordsOf(work: () => Promise<unknown>): Promise<InProcess['audit']> {
  await app.drain();
  const before = app.audit.length;
  await work();
  await app.drain();
  return app.audit.slice(before);
}

const outboxRows = async (): Promise<number> => {
  let count = 0;
  for (let shard = 0; shard < 8; shard += 1) count += (await app.store.query({ table: 'core', index: 'due', pk: `DUE#OUTBOX#${shard}`, limit: 1000 })).items.length;
  return count;
};

describe('exactly one audit record per request', () => {
  for (const { name, needs, wire } of operations) {
    test(`${name}: a success is recorded once, with its caller, its keys and its parameters`, async () => {
      const members = await sampleRequest(app, keys, name);

      const records = await recordsOf(() => app.must(name, members));

      expect(records).toHaveLength(1);
      expect(records[0]).toMatchObject({
        format: 1,
        operation: name,
        outcome: 'success',
        protocol: wire === false ? 'rest' : 'aws-json',
        principal: { arn: 'arn:aws:iam::111122223333:user/alice', id: 'AIDAALICE00000000001', account: '111122223333' },
        sourceIp: '192.0.2.1',
        region: 'eu-west-1',
      });
      if (name !== 'GenerateRandom' && name !== 'ListKeys') expect(records[0]!.resources).not.toEqual([]);
      if (name !== 'ListKeys') expect(records[0]!.parameters).not.toEqual({});
    });

    if (needs.includes('committer')) {
      test(`${name}: the record is in the transaction of the change, and no record says success when the transaction fails`, async () => {
        if (name === 'EnableKey') await setKeyState(app, keys.symmetric, 'Disabled');
        if (name === 'DisableKeyRotation') await app.must('EnableKeyRotation', { KeyId: keys.symmetric });
        if (name === 'UntagResource') await app.must('TagResource', { KeyId: keys.symmetric, Tags: [{ TagKey: 'team', TagValue: 'a' }] });
        const members = await sampleRequest(app, keys, name);
        await app.drain();
        const before = app.audit.length;
        app.faults.store = (call) => {
          if (call === 'transact') throw new StoreUnavailable('full');
        };

        const failed = await app.call(name, members);
        app.faults.store = undefined;
        const waiting = await outboxRows();

        expect(failed).toMatchObject({ status: 503, code: 'DependencyTimeoutException' });
        expect(waiting).toBe(0);
        expect(app.audit.slice(before)).toEqual([expect.objectContaining({ operation: name, outcome: 'failed', errorCode: 'DependencyTimeoutException' })]);

        await app.must(name, members);

        // Nothing but the row in the store holds the record now.
        expect(await outboxRows()).toBe(1);
        expect(app.audit).toHaveLength(before + 1);
      });
    }

    test(`${name}: nothing is answered or changed while the audit trail cannot be written`, async () => {
      if (name === 'EnableKey') await setKeyState(app, keys.symmetric, 'Disabled');
      const members = await sampleRequest(app, keys, name);
      await app.drain();
      app.faults.audit = new Error('the audit disk is full');

      const answer = await app.call(name, members);

      // A change is durable with its record in the outbox; everything else is withheld.
      if ((await outboxRows()) === 1) expect(answer.code).toBeUndefined();
      else {
        expect(answer).toMatchObject({ status: 500, code: 'KMSInternalException' });
        expect(answer.raw.body).not.toMatch(/Plaintext|CiphertextBlob|Signature|disk/);
        expect(app.alarms).toContainEqual(expect.objectContaining({ kind: 'audit-unavailable' }));
      }
    });
  }

  const failures: readonly { readonly what: string; readonly operation: string; readonly code: string; readonly outcome: 'denied' | 'failed'; run(): Promise<unknown> }[] = [
    {
      what: 'a request that is not authenticated',
      operation: 'Encrypt',
      code: 'InvalidSignatureException',
      outcome: 'denied',
      run: () =>
        app.send(awsJsonRequest('Encrypt', {}), () => {
          throw new KmsError('InvalidSignatureException', 'The request signature we calculated does not match.');
        }),
    },
    { what: 'an unknown operation', operation: 'Nothing', code: 'UnknownOperationException', outcome: 'failed', run: () => app.send(awsJsonRequest('Nothing', {})) },
    { what: 'an unknown path', operation: 'unknown', code: 'UnknownOperationException', outcome: 'failed', run: () => app.send({ path: '/v1/nothing' }) },
    {
      what: 'a body that is not JSON',
      operation: 'Encrypt',
      code: 'SerializationException',
      outcome: 'failed',
      run: () => app.send({ ...awsJsonRequest('Encrypt', {}), body: Buffer.from('{') }),
    },
    { what: 'a broken constraint', operation: 'Encrypt', code: 'ValidationException', outcome: 'failed', run: () => app.call('Encrypt', {}) },
    {
      what: 'a key that does not exist',
      operation: 'DescribeKey',
      code: 'NotFoundException',
      outcome: 'failed',
      run: () => app.call('DescribeKey', { KeyId: 'aaaaaaaa-0000-0000-0000-000000000000' }),
    },
    {
      what: "another account's key",
      operation: 'DescribeKey',
      code: 'AccessDeniedException',
      outcome: 'denied',
      run: () => app.call('DescribeKey', { KeyId: `arn:aws:kms:eu-west-1:111122223333:key/${keys.symmetric}` }, { caller: mallory }),
    },
    {
      what: 'a key in the wrong state',
      operation: 'Encrypt',
      code: 'DisabledException',
      outcome: 'failed',
      async run() {
        await setKeyState(app, keys.symmetric, 'Disabled');
        await app.call('Encrypt', { KeyId: keys.symmetric, Plaintext: base64('x') });
      },
    },
    {
      what: 'a dry run',
      operation: 'Encrypt',
      code: 'DryRunOperationException',
      outcome: 'failed',
      run: () => app.call('Encrypt', { KeyId: keys.symmetric, Plaintext: base64('x'), DryRun: true }),
    },
    {
      what: 'a store that is down',
      operation: 'DescribeKey',
      code: 'DependencyTimeoutException',
      outcome: 'failed',
      run() {
        app.faults.store = () => {
          throw new StoreUnavailable('down');
        };
        return app.call('DescribeKey', { KeyId: keys.symmetric }).finally(() => {
          app.faults.store = undefined;
        });
      },
    },
    ...(
      [
        ['unavailable', 'DependencyTimeoutException'],
        ['timeout', 'DependencyTimeoutException'],
        ['busy', 'ThrottlingException'],
        ['internal', 'KMSInternalException'],
        ['forbidden', 'KMSInternalException'],
        ['invalid-ciphertext', 'InvalidCiphertextException'],
      ] as const
    ).map(([failWith, code]) => ({
      what: `an HSM that answers "${failWith}"`,
      operation: 'GenerateRandom',
      code,
      outcome: 'failed' as const,
      async run() {
        app.crypto.failWith = failWith;
        await app.call('GenerateRandom', { NumberOfBytes: 8 });
        app.crypto.failWith = undefined;
      },
    })),
  ];

  test.each(failures)('$what leaves one record that says $code', async ({ operation, code, outcome, run }) => {
    const records = await recordsOf(run);

    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ operation, outcome, errorCode: code, sourceIp: '192.0.2.1' });
  });

  test('a request that is not authenticated has no principal in its record', async () => {
    const [record] = await recordsOf(() => failures[0]!.run());

    expect(record!.principal).toBeUndefined();
  });

  test('a caller who cannot be authenticated while the audit trail is down is told nothing but that', async () => {
    app.faults.audit = new Error('down');

    const answer = await app.send(awsJsonRequest('Encrypt', {}), () => {
      throw new KmsError('InvalidSignatureException', 'secret detail');
    });

    expect(answer.code).toBe('KMSInternalException');
    expect(answer.raw.body).not.toContain('secret detail');
  });

  test('an answer lost on the way back from the store does not lose or repeat the record', async () => {
    const { transact } = app.store;
    let lost = false;
    const store = app.service.store as { transact: typeof transact };
    const original = store.transact;
    store.transact = async (...given) => {
      await original(...given);
      if (lost) return;
      lost = true;
      throw new StoreUnavailable('The connection broke.', { outcomeUnknown: true });
    };

    const records = await recordsOf(() => app.must('UpdateKeyDescription', { KeyId: keys.symmetric, Description: 'once' }));

    expect(lost).toBe(true);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ outcome: 'success', operation: 'UpdateKeyDescription' });
  });

  test('records that wait in the outbox are published after the sink has come back, each at least once and in their store once', async () => {
    await app.drain();
    app.faults.audit = new Error('down');
    await app.must('UpdateKeyDescription', { KeyId: keys.symmetric, Description: 'while it was down' });
    await expect(app.drain()).rejects.toThrow('down');
    app.faults.audit = undefined;

    const records = await recordsOf(() => Promise.resolve());

    expect(await outboxRows()).toBe(0);
    expect(records.length + app.audit.filter((record) => record.operation === 'UpdateKeyDescription').length).toBeGreaterThanOrEqual(1);
    expect(app.audit.filter((record) => record.operation === 'UpdateKeyDescription')).toHaveLength(1);
  });
});
