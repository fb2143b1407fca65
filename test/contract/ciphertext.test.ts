import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { headerBytes } from '#shared/ciphertext/blob.ts';
import { startInProcess } from '#test/support/in-process.ts';
import { base64, createSampleKeys, type SampleKeys } from '#test/support/sample-requests.ts';

const plaintext = base64('attack at dawn');
const context = { tenant: 'one', purpose: 'test' };

describe('ciphertexts that were tampered with', () => {
  const app = startInProcess();
  let keys: SampleKeys;
  let blob: Buffer;
  beforeAll(async () => {
    keys = await createSampleKeys(app);
    blob = Buffer.from(String((await app.must('Encrypt', { KeyId: keys.symmetric, Plaintext: plaintext, EncryptionContext: context })).CiphertextBlob), 'base64');
  });
  afterAll(() => app.close());

  const decrypt = (bytes: Uint8Array, members = {}) => app.call('Decrypt', { CiphertextBlob: Buffer.from(bytes).toString('base64'), EncryptionContext: context, ...members });

  test('the untouched one decrypts, with its key named or not', async () => {
    expect((await decrypt(blob)).body).toMatchObject({ Plaintext: plaintext, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
    expect((await decrypt(blob, { KeyId: keys.symmetric })).body.Plaintext).toBe(plaintext);
  });

  test('every single flipped bit is refused: as another key in the key id, else as an invalid ciphertext', async () => {
    for (let at = 0; at < blob.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(blob);
        flipped[at]! ^= 1 << bit;

        const answer = await decrypt(flipped);
        const named = await decrypt(flipped, { KeyId: keys.symmetric });

        const inKeyId = at >= 2 && at < 18;
        // The flag of a multi-Region id makes another key id of the same bytes.
        const asMultiRegion = at === 1 && bit === 7;
        expect(answer.code, `byte ${at} bit ${bit}`).toBe(inKeyId || asMultiRegion ? 'AccessDeniedException' : 'InvalidCiphertextException');
        expect(named.code, `byte ${at} bit ${bit}`).toBe(inKeyId || asMultiRegion ? 'IncorrectKeyException' : 'InvalidCiphertextException');
        expect(answer.body.Plaintext).toBeUndefined();
        if (answer.code === 'InvalidCiphertextException') expect(answer.body).toEqual({ __type: 'InvalidCiphertextException' });
      }
    }
  });

  test('every shorter and every longer one is refused', async () => {
    for (let length = 1; length < blob.length; length += 1) expect((await decrypt(blob.subarray(0, length))).code, `${length} bytes`).toBe('InvalidCiphertextException');

    expect((await decrypt(Buffer.concat([blob, Buffer.of(0)]))).code).toBe('InvalidCiphertextException');
    expect((await decrypt(blob.subarray(1))).code).toBe('InvalidCiphertextException');
  });

  test.each([
    [{}],
    [{ tenant: 'one' }],
    [{ ...context, more: '' }],
    [{ tenant: 'One', purpose: 'test' }],
    [{ Tenant: 'one', purpose: 'test' }],
    [{ tenant: 'test', purpose: 'one' }],
  ])('the context %j is not the one it was sealed with', async (EncryptionContext) => {
    const answer = await decrypt(blob, { EncryptionContext });

    expect(answer.body).toEqual({ __type: 'InvalidCiphertextException' });
  });

  test('the order of the context does not matter', async () => {
    expect((await decrypt(blob, { EncryptionContext: { purpose: 'test', tenant: 'one' } })).body.Plaintext).toBe(plaintext);
  });

  test('the header of one key before the body of another is refused', async () => {
    const other = Buffer.from(String((await app.must('Encrypt', { KeyId: keys.otherSymmetric, Plaintext: plaintext, EncryptionContext: context })).CiphertextBlob), 'base64');

    const answer = await decrypt(Buffer.concat([other.subarray(0, headerBytes), blob.subarray(headerBytes)]));

    expect(answer.code).toBe('InvalidCiphertextException');
  });

  test('a ciphertext decrypts after rotations, under the version that made it, and under no other', async () => {
    for (let round = 0; round < 3; round += 1) await app.must('RotateKeyOnDemand', { KeyId: keys.symmetric });
    const newer = Buffer.from(blob);
    newer.writeUInt32BE(2, 18);

    expect((await decrypt(blob)).body.Plaintext).toBe(plaintext);
    expect((await decrypt(newer)).code).toBe('InvalidCiphertextException');
  });

  test('ReEncrypt refuses the same ciphertexts', async () => {
    const flipped = Buffer.from(blob);
    flipped[blob.length - 1]! ^= 1;

    const answer = await app.call('ReEncrypt', { CiphertextBlob: flipped.toString('base64'), SourceEncryptionContext: context, DestinationKeyId: keys.otherSymmetric });

    expect(answer.code).toBe('InvalidCiphertextException');
  });

  test('an RSA ciphertext is refused in every byte too', async () => {
    const sealed = Buffer.from(String((await app.must('Encrypt', { KeyId: keys.rsa, Plaintext: plaintext, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' })).CiphertextBlob), 'base64');
    const open = (bytes: Buffer) => app.call('Decrypt', { KeyId: keys.rsa, CiphertextBlob: bytes.toString('base64'), EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' });
    expect((await open(sealed)).body.Plaintext).toBe(plaintext);

    for (let at = 0; at < sealed.length; at += 1) {
      const flipped = Buffer.from(sealed);
      flipped[at]! ^= 1;
      expect((await open(flipped)).code, `byte ${at}`).toBe('InvalidCiphertextException');
    }
  });
});
