import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { base64, createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';
import { setKeyState } from '#test/support/set-key-state.ts';

let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

const dry = operations.filter((operation) => 'DryRun' in operation.input.shape).map(({ name }) => name);
const noKey = 'aaaaaaaa-0000-0000-0000-000000000000';
const ignoring: Readonly<Record<string, (now: SampleKeys) => Members>> = {
  Decrypt: (now) => ({ KeyId: now.symmetric }),
  ReEncrypt: (now) => ({ SourceKeyId: now.symmetric, DestinationKeyId: now.otherSymmetric }),
};
const ignore = { DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'] };

describe('DryRun', () => {
  test('every operation of the model that has DryRun has it here', () => {
    const modelled = ['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateMac', 'ReEncrypt', 'Sign', 'Verify', 'VerifyMac'];

    expect(dry).toEqual(expect.arrayContaining(modelled));
  });

  test.each(dry)('%s never succeeds, never reaches the HSM, and says that it would have succeeded', async (name) => {
    const members = await sampleRequest(app, keys, name);
    // The seals of the rows that it reads are known after a look at them.
    await app.call(name, { ...members, DryRun: true });
    app.crypto.failWith = 'internal';

    const answer = await app.call(name, { ...members, DryRun: true });

    expect(answer).toMatchObject({ status: 400, code: 'DryRunOperationException', message: 'The request would have succeeded, but the DryRun option is set.' });
  });

  test.each(dry)('%s: DryRun false is no dry run', async (name) => {
    const answer = await app.call(name, { ...(await sampleRequest(app, keys, name)), DryRun: false });

    expect(answer.code).toBeUndefined();
  });

  test('identifiers come first, then the permission, then usage, then the state, then DryRun', async () => {
    const foreign = ((await app.must('CreateKey', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }, { caller: mallory })).KeyMetadata as { Arn: string }).Arn;
    await setKeyState(app, keys.hmac, 'Disabled');
    await setKeyState(app, keys.otherSymmetric, 'Disabled');
    const encrypt = async (KeyId: string): Promise<string | undefined> => (await app.call('Encrypt', { KeyId, Plaintext: base64('x'), DryRun: true })).code;

    expect(await encrypt(noKey)).toBe('NotFoundException');
    expect(await encrypt(foreign)).toBe('AccessDeniedException');
    expect(await encrypt(keys.hmac)).toBe('InvalidKeyUsageException');
    expect(await encrypt(keys.otherSymmetric)).toBe('DisabledException');
    expect(await encrypt(keys.symmetric)).toBe('DryRunOperationException');
  });

  test('a ciphertext of another key, and one of no key, keep their own errors', async () => {
    const { CiphertextBlob } = await app.must('Encrypt', { KeyId: keys.otherSymmetric, Plaintext: base64('x') });

    expect((await app.call('Decrypt', { KeyId: keys.symmetric, CiphertextBlob, DryRun: true })).code).toBe('IncorrectKeyException');
    expect((await app.call('Decrypt', { KeyId: keys.symmetric, CiphertextBlob: base64('nonsense'), DryRun: true })).code).toBe('InvalidCiphertextException');
  });
});

describe.each(Object.keys(ignoring))('%s with DryRunModifiers IGNORE_CIPHERTEXT', (name) => {
  test('asks about the permission alone: without a ciphertext, and with a wrong one', async () => {
    const without = await app.call(name, { ...ignoring[name]!(keys), ...ignore });
    const withNonsense = await app.call(name, { ...ignoring[name]!(keys), ...ignore, CiphertextBlob: base64('nonsense') });

    expect(without.code).toBe('DryRunOperationException');
    expect(withNonsense.code).toBe('DryRunOperationException');
  });

  test('keeps every other refusal', async () => {
    await setKeyState(app, keys.symmetric, 'Disabled');
    const disabled = await app.call(name, { ...ignoring[name]!(keys), ...ignore });
    const unknown = await app.call(name, { ...ignoring[name]!({ ...keys, symmetric: noKey }), ...ignore });
    const usage = await app.call(name, { ...ignoring[name]!({ ...keys, symmetric: keys.hmac }), ...ignore });

    expect([disabled.code, unknown.code, usage.code]).toEqual(['DisabledException', 'NotFoundException', 'InvalidKeyUsageException']);
  });

  test('needs a key id in place of the ciphertext', async () => {
    const { KeyId: _, SourceKeyId: __, ...rest } = ignoring[name]!(keys);

    expect((await app.call(name, { ...rest, ...ignore })).code).toBe('ValidationException');
  });

  test('means nothing without DryRun: a ciphertext is then required, in the words of a missing member', async () => {
    const missing = "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null";

    for (const modifiers of [
      {},
      { DryRun: true },
      { DryRunModifiers: ['IGNORE_CIPHERTEXT'] },
      { DryRun: false, DryRunModifiers: ['IGNORE_CIPHERTEXT'] },
      { DryRun: true, DryRunModifiers: [] },
    ]) {
      expect(await app.call(name, { ...ignoring[name]!(keys), ...modifiers })).toMatchObject({ code: 'ValidationException', message: missing });
    }
    expect((await app.call(name, { ...ignoring[name]!(keys), DryRun: true, DryRunModifiers: ['OTHER'] })).code).toBe('ValidationException');
  });
});
