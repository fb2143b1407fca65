import { createHash, randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBatchCalls } from '#shared/bridge-batch.ts';
import { batchFrameBytesMax, type CallerClass, decodeFrame, encodeFrame } from '#shared/bridge-protocol.ts';
import type { CipherSide, KeyHandle, SealedParts } from '#shared/ports/crypto.ts';
import type { CryptoCall, CryptoOutcome } from '#shared/ports/crypto-batch.ts';
import { type BridgeClient, startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { makeKey } from './keys.ts';

let bridge: TestBridge;
let admin: BridgeClient;
let client: BridgeClient;
let aes: KeyHandle;
let p256: KeyHandle;
let hmac: KeyHandle;
let rsa: KeyHandle;
beforeAll(async () => {
  bridge = await startTestBridge();
  admin = await bridge.client('admin');
  client = await bridge.client('crypto');
  aes = await makeKey(admin, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  p256 = await makeKey(admin, 'ECC_NIST_P256', 'SIGN_VERIFY');
  hmac = await makeKey(admin, 'HMAC_256', 'GENERATE_VERIFY_MAC');
  rsa = await makeKey(admin, 'RSA_2048', 'ENCRYPT_DECRYPT');
});
afterAll(() => bridge?.stop());

const aad = Buffer.from('aad');
const side = (key = aes): CipherSide => ({ key, algorithm: 'SYMMETRIC_DEFAULT', aad });
const encrypt = (plaintext: Uint8Array, key = aes): CryptoCall => ({ name: 'encrypt', parameters: [side(key), plaintext] });
const sign = (message: Uint8Array): CryptoCall => ({ name: 'sign', parameters: [p256, 'ECDSA_SHA_256', 'RAW', message] });
const resultOf = <Value>(outcome: CryptoOutcome | undefined): Value => {
  if (outcome?.error) throw outcome.error;
  return outcome?.value as Value;
};
const codes = (outcomes: readonly CryptoOutcome[]): (string | undefined)[] => outcomes.map(({ error }) => error?.code);

/** A frame as a client that does not keep the rules would send it. */
async function send(operation: string, frame: Buffer, callerClass: CallerClass = 'crypto'): Promise<{ status: number; body: Buffer }> {
  const { url, ...tls } = await bridge.credentials(callerClass);
  return await new Promise((resolve, reject) => {
    const request = httpsRequest(`${url}/v1/${operation}`, { method: 'POST', ...tls, headers: { 'content-length': frame.length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(frame);
  });
}

describe('a batch of calls', () => {
  test('answers each in order, as if it had come alone', async () => {
    const plaintexts = Array.from({ length: 100 }, (_, at) => randomBytes(1 + 40 * at));

    const sealed = await client.batch(plaintexts.map((plaintext) => encrypt(plaintext)));
    const opened = await client.batch(sealed.map((outcome): CryptoCall => ({ name: 'decrypt', parameters: [side(), resultOf<SealedParts>(outcome)] })));

    expect(opened.map((outcome) => Buffer.from(resultOf<Uint8Array>(outcome)))).toEqual(plaintexts);
    expect(Buffer.from(await client.decrypt(side(), resultOf<SealedParts>(sealed[42])))).toEqual(plaintexts[42]);
    expect(new Set(sealed.map((outcome) => Buffer.from(resultOf<SealedParts>(outcome).iv).toString('hex'))).size).toBe(100);
  });

  test('carries every batchable kind, with keys of several specs', async () => {
    const message = randomBytes(100);
    const [sealed, dataKey, signature, mac, publicKey, oaep] = await client.batch([
      encrypt(message),
      { name: 'generateDataKey', parameters: [side(), 32, true] },
      sign(message),
      { name: 'generateMac', parameters: [hmac, 'HMAC_SHA_256', message] },
      { name: 'getPublicKey', parameters: [p256] },
      { name: 'encrypt', parameters: [{ key: rsa, algorithm: 'RSAES_OAEP_SHA_256' }, message] },
    ]);

    const second = await client.batch([
      { name: 'reEncrypt', parameters: [side(), resultOf(sealed), { key: rsa, algorithm: 'RSAES_OAEP_SHA_256' }] },
      { name: 'decrypt', parameters: [side(), resultOf(dataKey)] },
      { name: 'verify', parameters: [p256, 'ECDSA_SHA_256', 'RAW', message, resultOf(signature)] },
      { name: 'verify', parameters: [p256, 'ECDSA_SHA_256', 'RAW', randomBytes(9), resultOf(signature)] },
      { name: 'verifyMac', parameters: [hmac, 'HMAC_SHA_256', message, resultOf(mac)] },
      { name: 'decrypt', parameters: [{ key: rsa, algorithm: 'RSAES_OAEP_SHA_256' }, resultOf(oaep)] },
    ]);

    expect(codes(second)).toEqual(Array.from({ length: 6 }, () => undefined));
    expect(Buffer.from(resultOf<Uint8Array>(second[1]))).toEqual(Buffer.from(resultOf<{ plaintext: Uint8Array }>(dataKey).plaintext));
    expect([second[2], second[3], second[4]].map((outcome) => resultOf<boolean>(outcome))).toEqual([true, false, true]);
    expect(Buffer.from(resultOf<Uint8Array>(second[5]))).toEqual(message);
    expect(Buffer.from(resultOf<Uint8Array>(publicKey)).toString('base64')).toBe(p256.material.publicKey);
  });

  test('a call that fails fails alone, with the code that it would have had', async () => {
    const good = await client.encrypt(side(), Buffer.from('x'));
    const flipped = Buffer.from(good.ciphertext);
    flipped[0]! ^= 1;
    const other = await makeKey(admin, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const swapped: KeyHandle = { binding: aes.binding, material: other.material };
    const edited: KeyHandle = { binding: aes.binding, material: { ...aes.material, keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' } };

    const outcomes = await client.batch([
      { name: 'decrypt', parameters: [side(), good] },
      { name: 'decrypt', parameters: [side(), { ...good, ciphertext: flipped }] },
      encrypt(randomBytes(8), swapped),
      { name: 'generateMac', parameters: [edited, 'HMAC_SHA_256', randomBytes(8)] },
      { name: 'sign', parameters: [aes, 'ECDSA_SHA_256', 'RAW', randomBytes(8)] },
      encrypt(new Uint8Array(0)),
      encrypt(randomBytes(4097)),
      { name: 'decrypt', parameters: [side(), good] },
    ]);

    expect(codes(outcomes)).toEqual([undefined, 'invalid-ciphertext', 'material-refused', 'material-refused', 'invalid-request', 'invalid-request', 'invalid-request', undefined]);
  });

  test('more than a hundred calls go in several frames', async () => {
    const outcomes = await client.batch(Array.from({ length: 250 }, (_, at) => sign(Buffer.from(`message ${at}`))));

    expect(codes(outcomes)).toEqual(Array.from({ length: 250 }, () => undefined));
  });

  test('the longest calls of all fit one frame', async () => {
    const message = randomBytes(4096);

    const outcomes = await client.batch(
      Array.from({ length: 100 }, (): CryptoCall => ({ name: 'verify', parameters: [p256, 'ECDSA_SHA_256', 'RAW', message, randomBytes(6144)] })),
    );

    expect(outcomes.map((outcome) => resultOf<boolean>(outcome))).toEqual(Array.from({ length: 100 }, () => false));
  });

  test('many batches at a time all finish', async () => {
    const batches = await Promise.all(Array.from({ length: 24 }, () => client.batch(Array.from({ length: 100 }, () => encrypt(randomBytes(64))))));

    expect(batches.flatMap((outcomes) => codes(outcomes)).filter((code) => code !== undefined)).toEqual([]);
  });

  test('a bridge that dies fails the batch as a whole, and a new one serves the next', async () => {
    await bridge.kill();
    await expect(client.batch([encrypt(randomBytes(8))])).rejects.toMatchObject({ code: 'unavailable' });
    await bridge.restart();

    expect(codes(await client.batch([encrypt(randomBytes(8))]))).toEqual([undefined]);
  });
});

describe('what a batch may not do', () => {
  const one = (operation: string, message: Record<string, unknown>): Buffer => encodeFrame({ keys: [aes], calls: [{ operation, message }] });
  const outcome = async (frame: Buffer, callerClass?: CallerClass): Promise<unknown> => {
    const { status, body } = await send('batch', frame, callerClass);
    expect(status, body.toString()).toBe(200);
    return (decodeFrame(body).results as { $error?: { code: string } }[])[0]!.$error?.code;
  };

  test.each(['generate-key', 'seal-rows', 'sign-audit', 'derive-key', 'batch', 'nothing', 'toString', '__proto__'])('carry %s, whoever asks', async (operation) => {
    expect(await outcome(one(operation, {}), 'admin')).toBe('invalid-request');
  });

  test.each(['lifecycle', 'rotation', 'audit', 'reader'] as CallerClass[])('use keys for the class %s, which may only read public keys', async (callerClass) => {
    const calls = [
      { operation: 'generate-data-key' as const, message: { side: { key: aes, algorithm: 'SYMMETRIC_DEFAULT' }, length: 32, wantPlaintext: true } },
      { operation: 'get-public-key' as const, message: { key: p256 } },
    ];

    const { body } = await send('batch', encodeFrame(encodeBatchCalls(calls)), callerClass);

    const results = decodeFrame(body).results as { $error?: { code: string } }[];
    expect(results.map(({ $error }) => $error?.code)).toEqual(['forbidden', undefined]);
    expect(Object.keys(decodeFrame(body)).filter((name) => name.startsWith('0.'))).toEqual([]);
  });

  test('name a key that is not there, or smuggle a member', async () => {
    const side9 = { side: { key: 9, algorithm: 'SYMMETRIC_DEFAULT' }, length: 32, wantPlaintext: true };

    expect(await outcome(one('generate-data-key', side9))).toBe('invalid-request');
    expect(await outcome(one('generate-data-key', { ...side9, side: { ...side9.side, key: 0 }, other: 1 }))).toBe('invalid-request');
    expect(await outcome(one('generate-data-key', { ...side9, side: { ...side9.side, key: 0 } }))).toBeUndefined();
  });

  test.each([
    ['no call', { keys: [], calls: [] }],
    ['a hundred and one calls', { keys: [], calls: Array.from({ length: 101 }, () => ({ operation: 'sign', message: {} })) }],
    ['calls that are no list', { keys: [], calls: 'sign' }],
    ['bytes of no call', { keys: [], calls: [{ operation: 'sign', message: {} }], '1.message': new Uint8Array(1) }],
    ['bytes of a member that is there', { keys: [], calls: [{ operation: 'sign', message: { message: 1 } }], '0.message': new Uint8Array(1) }],
    ['bytes without a place', { keys: [], calls: [{ operation: 'sign', message: {} }], message: new Uint8Array(1) }],
  ])('be a frame with %s', async (_, message) => {
    const { status, body } = await send('batch', encodeFrame(message));

    expect(status).toBe(400);
    expect(JSON.parse(body.toString())).toMatchObject({ code: 'invalid-request' });
  });

  test('be longer than its bound, and nothing else be as long', async () => {
    const large = encodeFrame({ padding: new Uint8Array(batchFrameBytesMax) });

    expect((await send('batch', large)).status).toBe(400);
    expect((await send('encrypt', encodeFrame({ padding: new Uint8Array(100_000) }))).status).toBe(400);
  });
});

describe('the key that the service derives', () => {
  test('is the same for every class and after a restart', async () => {
    const first = Buffer.from(await client.deriveKey('markers'));
    await bridge.restart();
    const second = Buffer.from(await (await bridge.client('reader')).deriveKey('markers'));

    expect(first).toHaveLength(32);
    expect(second).toEqual(first);
  });

  test('is not what seals rows', async () => {
    const derived = Buffer.from(await admin.deriveKey('markers')).toString('base64');
    const purpose = createHash('sha256').update('markers').digest('base64');

    expect(await admin.checkSeals([{ digest: purpose, seal: derived }])).toEqual([false]);
  });

  test('is for known purposes only', async () => {
    await expect(client.deriveKey('other' as 'markers')).rejects.toMatchObject({ code: 'invalid-request' });
  });
});
