import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyStates } from '#shared/keys/key-record.ts';
import { operations } from '#shared/operations/index.ts';
import { startInProcess } from '#test/support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';
import { setKeyState } from '#test/support/set-key-state.ts';
import { expectedCell, footnotes } from './data/key-states.ts';

/** The key of the sample whose state the row of the table is about. */
const subjects: Readonly<Record<string, keyof SampleKeys>> = {
  GenerateMac: 'hmac',
  VerifyMac: 'hmac',
  Sign: 'signing',
  Verify: 'signing',
  GetPublicKey: 'signing',
  CreateKeyVersion: 'signing',
  GetKeyJwks: 'signing',
  GetKeyVersionPublicKey: 'signing',
  ListKeyVersions: 'signing',
  PutKeyVersionRule: 'signing',
  UpdateKeyVersion: 'signing',
  ReplicateKey: 'multiRegion',
  UpdatePrimaryRegion: 'multiRegion',
  UpdateAlias: 'otherSymmetric',
  GetParametersForImport: 'external',
  ImportKeyMaterial: 'external',
  DeleteImportedKeyMaterial: 'external',
  DeriveSharedSecret: 'agreement',
  Encapsulate: 'kem',
  Decapsulate: 'kem',
};

const withKeys = operations.filter((operation) => operation.keys !== undefined);
const cells = withKeys.flatMap((operation) => keyStates.map((state) => ({ name: operation.name, state, cell: expectedCell(operation.name, state) })));

describe('every cell of the key-state table, through the whole pipeline', () => {
  const app = startInProcess();
  let keys: SampleKeys;
  beforeAll(async () => {
    keys = await createSampleKeys(app);
    await app.must('ImportKeyMaterial', await sampleRequest(app, keys, 'ImportKeyMaterial'));
  });
  afterAll(() => app.close());

  test.each(cells)('$name on a key that is $state: $cell', async ({ name, state, cell }) => {
    const subject = keys[subjects[name] ?? 'symmetric'];
    for (const key of Object.values(keys)) await setKeyState(app, key, 'Enabled');
    const members = await sampleRequest(app, keys, name);
    await setKeyState(app, subject, state);

    const answer = await app.call(name, members);

    if (cell === 'ok') expect(answer.code, answer.message).toBeUndefined();
    else {
      expect(answer.code).toBe(footnotes[cell].code);
      expect(answer.message).toContain(`key/${subject} `);
      expect(answer.message).toContain(footnotes[cell].message);
    }
  });

  test.each(cells.filter(({ cell }) => cell !== 'ok'))('$name on a key that is $state: DryRun does not hide the refusal, and nothing changes', async ({ name, state }) => {
    const subject = keys[subjects[name] ?? 'symmetric'];
    for (const key of Object.values(keys)) await setKeyState(app, key, 'Enabled');
    const members = await sampleRequest(app, keys, name);
    await setKeyState(app, subject, state);
    const before = await app.must('DescribeKey', { KeyId: subject });

    const answer = await app.call(name, { ...members, DryRun: true });

    expect(answer.code).toBeDefined();
    expect(answer.code).not.toBe('DryRunOperationException');
    expect(await app.must('DescribeKey', { KeyId: subject })).toEqual(before);
  });

  test('the destination of ReEncrypt is held to the same rules as its source', async () => {
    for (const key of Object.values(keys)) await setKeyState(app, key, 'Enabled');
    const members = await sampleRequest(app, keys, 'ReEncrypt');
    await setKeyState(app, keys.otherSymmetric, 'Disabled');

    const answer = await app.call('ReEncrypt', members);

    expect(answer.code).toBe('DisabledException');
  });

  test('an alias can be moved away from a key that is pending deletion', async () => {
    for (const key of Object.values(keys)) await setKeyState(app, key, 'Enabled');
    const members = await sampleRequest(app, keys, 'UpdateAlias');
    await setKeyState(app, keys.symmetric, 'PendingDeletion');

    const answer = await app.call('UpdateAlias', members);

    expect(answer.code).toBeUndefined();
  });
});
