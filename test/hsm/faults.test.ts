import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { exitCodes } from '#bridge/exit-codes.ts';
import { type BridgeClient, startTestBridge, type TestBridge, type TestBridgeOptions } from '#test/support/bridge.ts';
import { makeKey, newBinding } from './keys.ts';
import { post } from './raw.ts';

let bridge: TestBridge | undefined;
afterEach(async () => {
  await bridge?.stop();
  bridge = undefined;
});

async function start(options?: TestBridgeOptions): Promise<{ bridge: TestBridge; client: BridgeClient }> {
  bridge = await startTestBridge(options);
  return { bridge, client: await bridge.client() };
}

const slowKey = (client: BridgeClient) => client.generateKey({ binding: newBinding(), keySpec: 'RSA_4096', keyUsage: 'SIGN_VERIFY', origin: 'AWS_KMS' });
const codes = (results: readonly PromiseSettledResult<unknown>[]) => results.map((result) => (result.status === 'fulfilled' ? 'done' : result.reason.code));

test('a bridge killed mid-request costs an error, not a hang, and the same client works with its successor', async () => {
  const { bridge, client } = await start();
  const key = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  const side = { key, algorithm: 'SYMMETRIC_DEFAULT' } as const;
  const sealed = await client.encrypt(side, Buffer.from('kept'));

  const running = [slowKey(client), ...Array.from({ length: 50 }, () => client.encrypt(side, randomBytes(4096)))];
  const settled = Promise.allSettled(running);
  await bridge.kill();
  const results = await settled;

  expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
  for (const code of codes(results)) expect(['done', 'unavailable']).toContain(code);
  await bridge.restart();
  expect(Buffer.from(await client.decrypt(side, sealed)).toString()).toBe('kept');
});

test('a worker that crashes in the middle of a call is replaced, every call is answered rightly or with an error, and the keys that it held work on', async () => {
  const crash = join(mkdtempSync(join(tmpdir(), 'chatelaine-crash-')), 'now');
  const preload = new URL('../support/crash-worker.ts', import.meta.url).href;
  const { bridge, client } = await start({ environment: { NODE_OPTIONS: `--import=${preload}`, CRASH_WORKER: crash }, config: { workers: { fast: 2, slow: 1 } } });
  const key = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  const side = { key, algorithm: 'SYMMETRIC_DEFAULT' } as const;
  const kept = await client.encrypt(side, Buffer.from('kept'));

  for (let crashes = 0; crashes < 2; crashes += 1) {
    writeFileSync(crash, '');
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, async () => {
        const plaintext = randomBytes(2048);
        return Buffer.from(await client.decrypt(side, await client.encrypt(side, plaintext))).equals(plaintext);
      }),
    );
    for (const result of results) if (result.status === 'fulfilled') expect(result.value).toBe(true);
    for (const code of codes(results)) expect(['done', 'unavailable', 'busy']).toContain(code);
    await vi.waitFor(() => expect(bridge.log.filter(({ event }) => event === 'worker-lost')).toHaveLength(crashes + 1));
  }

  expect(existsSync(crash)).toBe(false);
  expect(Buffer.from(await client.decrypt(side, kept)).toString()).toBe('kept');
  rmSync(dirname(crash), { recursive: true });
});

test('a lost token ends the bridge with its own exit code, a successor refuses to start, and works again when the token is back', async () => {
  const { bridge, client } = await start();
  const key = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  const side = { key, algorithm: 'SYMMETRIC_DEFAULT' } as const;
  const sealed = await client.encrypt(side, Buffer.from('kept'));
  const tokens = join(bridge.token.dir, 'tokens');
  const ended = bridge.exited();

  renameSync(tokens, `${tokens}-gone`);
  const attempt = await makeKey(client, 'HMAC_256', 'GENERATE_VERIFY_MAC').catch((error) => error.code);

  expect(['unavailable', 'internal']).toContain(attempt);
  expect(await ended).toBe(exitCodes.tokenLost);
  await expect(bridge.restart()).rejects.toThrow(/ended with 71: hsm-bridge: the HSM does not start/);
  if (existsSync(tokens)) renameSync(tokens, `${tokens}-empty`);
  renameSync(`${tokens}-gone`, tokens);
  await bridge.restart();
  expect(Buffer.from(await client.decrypt(side, sealed)).toString()).toBe('kept');
});

test('readiness notices a lost token without any request', async () => {
  const { bridge } = await start();
  const tokens = join(bridge.token.dir, 'tokens');
  const before = await Promise.all(['/livez', '/readyz', '/other'].map(async (path) => (await fetch(bridge.healthUrl + path)).status));
  const ended = bridge.exited();

  renameSync(tokens, `${tokens}-gone`);

  expect(before).toEqual([200, 200, 404]);
  expect(await ended).toBe(exitCodes.tokenLost);
  expect(bridge.log.at(-1)).toMatchObject({ event: 'token-lost' });
});

test('a full slow lane answers busy and leaves the fast lane alone', async () => {
  const { client } = await start({ config: { queue: { slowMax: 1 } } });
  const key = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');

  const slow = Promise.allSettled(Array.from({ length: 6 }, () => slowKey(client)));
  const quick = await client.encrypt({ key, algorithm: 'SYMMETRIC_DEFAULT' }, Buffer.from('x'));

  expect(quick.iv.length).toBe(12);
  expect(codes(await slow).sort()).toEqual(['busy', 'busy', 'busy', 'busy', 'done', 'done']);
});

test('a full queue is 503 with Retry-After, a deadline that passes is 504', async () => {
  const { bridge } = await start({ config: { queue: { slowMax: 1 } } });
  const credentials = await bridge.credentials('lifecycle');
  const request = (deadlineMs: number) =>
    post(credentials, 'generate-key', { binding: newBinding(), keySpec: 'RSA_4096', keyUsage: 'SIGN_VERIFY', origin: 'AWS_KMS' }, { 'x-deadline-ms': deadlineMs });

  const late = await request(20);
  const crowd = await Promise.all(Array.from({ length: 6 }, () => request(20_000)));

  expect(late).toMatchObject({ status: 504, body: { code: 'timeout' } });
  const busy = crowd.filter(({ status }) => status === 503);
  expect(busy.length).toBeGreaterThanOrEqual(3);
  for (const answer of busy) expect(answer).toMatchObject({ body: { code: 'busy' }, retryAfter: '1' });
});

test('SIGTERM finishes what runs, says not ready, takes no new connection and exits with 0', async () => {
  const { bridge, client } = await start();
  const running = slowKey(client);
  await vi.waitFor(async () => expect((await fetch(`${bridge.healthUrl}/readyz`)).status).toBe(200));

  const ended = bridge.terminate();
  await vi.waitFor(() => expect(bridge.log.at(-1)).toMatchObject({ event: 'draining' }));
  const readiness = await fetch(`${bridge.healthUrl}/readyz`);
  const late = await (await bridge.client('admin', { deadlineMs: 1_000 })).generateRandom(1).catch((error) => error.code);

  expect((await running).keySpec).toBe('RSA_4096');
  expect(await ended).toBe(0);
  expect(readiness.status).toBe(503);
  expect(late).toBe('unavailable');
});

test('more keys than the cache holds are all served correctly, again and again', async () => {
  const { client } = await start({ config: { cache: { entriesMax: 3, ttlMs: 50 } } });
  const keys = await Promise.all(Array.from({ length: 12 }, () => makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')));

  const results = await Promise.all(
    Array.from({ length: 240 }, async (_, at) => {
      const side = { key: keys[at % keys.length]!, algorithm: 'SYMMETRIC_DEFAULT' } as const;
      const plaintext = randomBytes(64);
      return Buffer.from(await client.decrypt(side, await client.encrypt(side, plaintext))).equals(plaintext);
    }),
  );

  expect(results.every(Boolean)).toBe(true);
});

test.each([
  ['a wrong PIN', { pinFile: 'bridge.key' }, exitCodes.tokenUnavailable],
  ['another token label', { tokenLabel: 'other' }, exitCodes.tokenUnavailable],
  ['no module', { modulePath: '/nowhere.so' }, exitCodes.configInvalid],
  ['a missing PIN file', { pinFile: 'nowhere.txt' }, exitCodes.configInvalid],
  ['no PIN at all', { pinFile: undefined }, exitCodes.configInvalid],
])('with %s the bridge refuses to start, with its own exit code', async (_, hsm, code) => {
  await expect(startTestBridge({ hsm: hsm as NonNullable<TestBridgeOptions['hsm']> })).rejects.toThrow(new RegExp(`ended with ${code}: hsm-bridge: `));
});
