import { afterEach, beforeEach, expect, test } from 'vitest';
import { runDueTask } from '#shared/sweeps/due-tasks.ts';
import { importRequest, sampleMaterial } from '#test/support/import-request.ts';
import { type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { base64 } from '#test/support/sample-requests.ts';
import { dublin, frankfurt, inRegion } from '#test/support/two-regions.ts';

const second = Buffer.alloc(32, 'second material');
const forEver = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
const asNew = { ...forEver, ImportType: 'NEW_KEY_MATERIAL' };
let app: InProcess;
let here: ReturnType<typeof inRegion>;
let there: ReturnType<typeof inRegion>;
let keyId: string;
beforeEach(() => {
  app = startInProcess();
  here = inRegion(app, dublin);
  there = inRegion(app, frankfurt);
});
afterEach(() => app.close());

const importInto = async (at: typeof here, material: Buffer = sampleMaterial, members: Members = forEver) =>
  at.call('ImportKeyMaterial', await importRequest(at as never, keyId, material, members));
const states = async (at: typeof here): Promise<unknown[]> =>
  ((await at.must('ListKeyRotations', { KeyId: keyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })).Rotations as { KeyMaterialState: string; ImportState?: string }[]).map(
    ({ KeyMaterialState, ImportState }) => `${KeyMaterialState} ${ImportState}`,
  );

async function replicatedExternal(): Promise<void> {
  const { KeyMetadata } = await here.must('CreateKey', { MultiRegion: true, Origin: 'EXTERNAL' });
  keyId = (KeyMetadata as { KeyId: string }).KeyId;
  await importInto(here);
  await here.must('ReplicateKey', { KeyId: keyId, ReplicaRegion: frankfurt.region });
  await runDueTask(app.service, { kind: 'SYNCHRONIZATION', account: dublin.account, region: frankfurt.region, keyId, version: 1 });
}

test('a key without material has no replica: its state does not allow it', async () => {
  const { KeyMetadata } = await here.must('CreateKey', { MultiRegion: true, Origin: 'EXTERNAL' });

  const answer = await here.call('ReplicateKey', { KeyId: (KeyMetadata as { KeyId: string }).KeyId, ReplicaRegion: frankfurt.region });

  expect(answer).toMatchObject({ code: 'KMSInvalidStateException', message: expect.stringContaining('is pending import.') });
});

test('a replica waits for the same material from its owner, takes no other, and then opens what the primary key made', async () => {
  await replicatedExternal();
  const waiting = (await there.describe(keyId)).KeyState;
  const blob = (await here.must('Encrypt', { KeyId: keyId, Plaintext: base64('hello') })).CiphertextBlob;

  const other = await importInto(there, second);
  const asNewOne = await importInto(there, sampleMaterial, asNew);
  const same = await importInto(there);

  expect(waiting).toBe('PendingImport');
  expect(other.code).toBe('IncorrectKeyMaterialException');
  expect(asNewOne.code).toBe('KMSInvalidStateException');
  expect(same.body.KeyMaterialId).toBe((await here.describe(keyId)).CurrentKeyMaterialId);
  expect((await there.must('Decrypt', { CiphertextBlob: blob })).Plaintext).toBe(base64('hello'));
});

test('the material of each Region expires and is deleted for itself', async () => {
  await replicatedExternal();
  await importInto(there);

  await there.must('DeleteImportedKeyMaterial', { KeyId: keyId });

  expect((await there.describe(keyId)).KeyState).toBe('PendingImport');
  expect((await here.describe(keyId)).KeyState).toBe('Enabled');
});

test('new material goes into the primary key first, waits for every replica, and rotates all of them', async () => {
  await replicatedExternal();
  await importInto(there);
  const blob = (await there.must('Encrypt', { KeyId: keyId, Plaintext: base64('old') })).CiphertextBlob;
  await importInto(here, second, asNew);

  const early = await here.call('RotateKeyOnDemand', { KeyId: keyId });
  const before = [await states(here), await states(there)];
  await importInto(there, second);
  const ready = [await states(here), await states(there)];
  await here.must('RotateKeyOnDemand', { KeyId: keyId });
  const fresh = (await there.must('Encrypt', { KeyId: keyId, Plaintext: base64('new') })).CiphertextBlob;

  expect(early).toMatchObject({ code: 'KMSInvalidStateException', message: expect.stringContaining(frankfurt.region) });
  expect(before).toEqual([
    ['CURRENT IMPORTED', 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION IMPORTED'],
    ['CURRENT IMPORTED', 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION PENDING_IMPORT'],
  ]);
  expect(ready).toEqual([
    ['CURRENT IMPORTED', 'PENDING_ROTATION IMPORTED'],
    ['CURRENT IMPORTED', 'PENDING_ROTATION IMPORTED'],
  ]);
  expect(await states(there)).toEqual(['NON_CURRENT IMPORTED', 'CURRENT IMPORTED']);
  expect((await here.must('Decrypt', { CiphertextBlob: blob })).Plaintext).toBe(base64('old'));
  expect((await here.must('Decrypt', { CiphertextBlob: fresh })).Plaintext).toBe(base64('new'));
});

test('material that waits is forgotten everywhere when it is deleted at the primary key, and at a replica only there', async () => {
  await replicatedExternal();
  await importInto(there);
  await importInto(here, second, asNew);
  const pending = String((await importInto(there, second)).body.KeyMaterialId);

  await there.must('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId: pending });
  const atReplica = [await states(here), await states(there)];
  await here.must('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId: pending });

  expect(atReplica[0]).toEqual(['CURRENT IMPORTED', 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION IMPORTED']);
  expect(atReplica[1]).toEqual(['CURRENT IMPORTED', 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION PENDING_IMPORT']);
  expect(await states(here)).toEqual(['CURRENT IMPORTED']);
  expect(await states(there)).toEqual(['CURRENT IMPORTED']);
  expect((await there.describe(keyId)).KeyState).toBe('Enabled');
});
