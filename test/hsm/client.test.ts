import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type BridgeClientOptions, createBridgeClient } from '#bridge/client/bridge-client.ts';
import { type CertificateAndKey, createAuthority, issue } from '#bridge/pki/certificates.ts';
import { encodeFrame } from '#shared/bridge-protocol.ts';
import type { BridgeClient } from '#test/support/bridge.ts';
import { startTcpBalancer } from '#test/support/tcp-balancer.ts';

let authority: CertificateAndKey;
let serverPair: CertificateAndKey;
let clientPair: CertificateAndKey;
beforeAll(async () => {
  authority = await createAuthority();
  serverPair = await issue({ authority, kind: 'bridge', names: ['bridge.test', '127.0.0.1'] });
  clientPair = await issue({ authority, kind: 'client', callerClass: 'crypto' });
});

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

type Answer = (request: IncomingMessage, response: ServerResponse, attempt: number) => void;

/** A bridge that misbehaves as told, and a client of it. */
async function against(answer: Answer, options: Partial<BridgeClientOptions> = {}) {
  let attempts = 0;
  const fake = createServer({ cert: serverPair.certificate, key: serverPair.key, ca: authority.certificate, requestCert: true, minVersion: 'TLSv1.3' }, (request, response) => {
    request.resume().on('end', () => answer(request, response, ++attempts));
  });
  fake.listen(0, '127.0.0.1');
  await once(fake, 'listening');
  const client = createBridgeClient({
    url: `https://127.0.0.1:${(fake.address() as AddressInfo).port}`,
    ca: authority.certificate,
    cert: clientPair.certificate,
    key: clientPair.key,
    deadlineMs: 2_000,
    ...options,
  });
  cleanups.push(() => {
    client.close();
    fake.closeAllConnections();
    fake.close();
  });
  const connectBy = (url: string): BridgeClient => {
    const other = createBridgeClient({ url, ca: authority.certificate, cert: clientPair.certificate, key: clientPair.key, deadlineMs: 5_000 });
    cleanups.push(() => other.close());
    return other;
  };
  return { client, attempts: () => attempts, port: (fake.address() as AddressInfo).port, connectBy };
}

const reply = (response: ServerResponse, status: number, body: Buffer): void => void response.writeHead(status, { 'content-length': body.length }).end(body);
const good = (response: ServerResponse) => reply(response, 200, encodeFrame({ random: Buffer.from([1, 2, 3]) }));
const failure = (code: string) => Buffer.from(JSON.stringify({ code, message: 'because' }));

test('an answer that never comes is a timeout at the deadline, and is not tried again', async () => {
  const { client, attempts } = await against(() => {}, { deadlineMs: 1_000 });

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'timeout' });
  expect(attempts()).toBe(1);
});

test('an answer that stops half-way is a timeout at the deadline', async () => {
  const { client } = await against((_, response) => void response.writeHead(200, { 'content-length': 1000 }).write('part'), { deadlineMs: 1_000 });

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'timeout' });
});

test('a connection that breaks mid-request is tried once more, then unavailable', async () => {
  const { client, attempts } = await against((request) => request.socket.destroy());

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'unavailable' });
  expect(attempts()).toBe(2);
});

test('a connection that breaks in the middle of the answer is tried once more', async () => {
  const { client } = await against((request, response, attempt) => {
    if (attempt > 1) return good(response);
    response.writeHead(200, { 'content-length': 1000 }).write('part', () => request.socket.destroy());
  });

  expect([...(await client.generateRandom(3))]).toEqual([1, 2, 3]);
});

test('busy is tried once more within the deadline', async () => {
  const { client, attempts } = await against((_, response, attempt) => (attempt === 1 ? reply(response, 503, failure('busy')) : good(response)));

  expect([...(await client.generateRandom(3))]).toEqual([1, 2, 3]);
  expect(attempts()).toBe(2);
});

const made = { account: '111122223333', region: 'r', keyId: 'k', version: 1 };
const making = { binding: made, keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC', origin: 'AWS_KMS' } as const;

test('making a key is never tried twice', async () => {
  const { client, attempts } = await against((_, response) => reply(response, 503, failure('busy')));

  await expect(client.generateKey(making)).rejects.toMatchObject({ code: 'busy' });
  expect(attempts()).toBe(1);
});

test('a connection that is refused took no request: another is tried, for making a key too, and the bridge sees it once', async () => {
  const { connectBy, port, attempts } = await against((_, response) => reply(response, 503, failure('busy')));
  // Nobody listens on port 1.
  const balancer = await startTcpBalancer([() => 1, () => port]);
  cleanups.push(() => void balancer.stop());

  await expect(connectBy(balancer.url).generateKey(making)).rejects.toMatchObject({ code: 'busy' });
  expect([attempts(), balancer.given()]).toEqual([1, [1, 1]]);
});

test('a connection of which nothing is heard is given up in time for another one', async () => {
  const { connectBy, port, attempts } = await against((_, response) => good(response));
  const balancer = await startTcpBalancer([() => port, () => port]);
  cleanups.push(() => void balancer.stop());
  balancer.silence(0);

  await expect(connectBy(balancer.url).generateRandom(3)).resolves.toEqual(Buffer.from([1, 2, 3]));
  expect([attempts(), balancer.given()]).toEqual([1, [1, 1]]);
});

test.each([
  ['invalid-ciphertext', 422],
  ['material-refused', 409],
  ['invalid-request', 400],
  ['forbidden', 403],
  ['timeout', 504],
  ['internal', 500],
])('%s keeps its meaning', async (code, status) => {
  const { client } = await against((_, response) => reply(response, status, failure(code)));

  await expect(client.generateRandom(3)).rejects.toMatchObject({ name: 'CryptoError', code, message: 'because' });
});

test.each<[string, number, Buffer]>([
  ['another status with a code that does not belong to it', 500, failure('invalid-ciphertext')],
  ['an error that is not JSON', 500, Buffer.from('<html>')],
  ['a body that is not a frame', 200, Buffer.from('hello')],
  ['a frame without the field', 200, encodeFrame({ other: 1 })],
  ['a frame with the field of another type', 200, encodeFrame({ random: 'AQID' })],
])('%s is an internal error, never a result', async (_, status, body) => {
  const { client } = await against((__, response) => reply(response, status, body));

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'internal' });
});

test('an answer longer than any frame is refused before it is read', async () => {
  const { client } = await against((_, response) => void response.writeHead(200, { 'content-length': 10_000_000 }).write('x'));

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'internal' });
});

test('a bridge whose certificate is not for the expected name is not spoken to', async () => {
  const { client, attempts } = await against((_, response) => good(response), { servername: 'other.test', deadlineMs: 5_000 });

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'unavailable' });
  expect(attempts()).toBe(0);
});

test('a bridge of another authority is not spoken to', async () => {
  const { client, attempts } = await against((_, response) => good(response), { ca: (await createAuthority()).certificate, deadlineMs: 5_000 });

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'unavailable' });
  expect(attempts()).toBe(0);
});

test('nobody listening is unavailable within the deadline', async () => {
  const { client } = await against(() => {}, { url: 'https://127.0.0.1:1' });

  await expect(client.generateRandom(3)).rejects.toMatchObject({ code: 'unavailable' });
});

test('connections are kept and shared: many calls one after the other use one, and never more than the limit at once', async () => {
  const sockets = new Set<Socket>();
  const { client } = await against(
    (request, response) => {
      sockets.add(request.socket);
      setTimeout(() => good(response), 5);
    },
    { maxSockets: 4 },
  );

  for (let i = 0; i < 5; i++) await client.generateRandom(3);
  const afterSerial = sockets.size;
  await Promise.all(Array.from({ length: 40 }, () => client.generateRandom(3)));

  expect(afterSerial).toBe(1);
  expect(sockets.size).toBeLessThanOrEqual(4);
});

const echo = (length: number) => encodeFrame({ random: Buffer.alloc(length, length) });

test('many calls at a time share few connections, and each gets its own answer', async () => {
  const sockets = new Set<Socket>();
  const bodies = new Map<number, ServerResponse>();
  const { client } = await against((request, response, attempt) => {
    sockets.add(request.socket);
    bodies.set(attempt, response);
    if (attempt === 50) for (const [at, waiting] of [...bodies].reverse()) reply(waiting, 200, echo(at));
  });

  const answers = await Promise.all(Array.from({ length: 50 }, () => client.generateRandom(3)));

  expect(new Set(answers.map((answer) => answer.length)).size).toBe(50);
  for (const answer of answers) expect(answer.every((byte) => byte === answer.length)).toBe(true);
  expect(sockets.size).toBe(2);
});

test('nothing waits behind a slow call on its connection', async () => {
  let finish = () => {};
  const { client } = await against((request, response) => {
    if (request.url === '/v1/generate-random') return good(response);
    finish = () => reply(response, 501, failure('unsupported'));
  });
  const binding = { account: '111122223333', region: 'r', keyId: 'k', version: 1 };
  const slow = client.generateKey({ binding, keySpec: 'RSA_4096', keyUsage: 'SIGN_VERIFY', origin: 'AWS_KMS' });

  for (let i = 0; i < 3; i++) expect([...(await client.generateRandom(3))]).toEqual([1, 2, 3]);

  finish();
  await expect(slow).rejects.toMatchObject({ code: 'unsupported' });
});

test('slow calls in any number leave connections to quick ones', async () => {
  const held: ServerResponse[] = [];
  const { client } = await against((request, response) => (request.url === '/v1/generate-random' ? good(response) : void held.push(response)), { maxSockets: 4 });
  const binding = { account: '111122223333', region: 'r', keyId: 'k', version: 1 };
  const slow = Array.from({ length: 8 }, () => client.generateKey({ binding, keySpec: 'RSA_4096', keyUsage: 'SIGN_VERIFY', origin: 'AWS_KMS' }));
  const settled = Promise.allSettled(slow);
  await vi.waitFor(() => expect(held.length).toBe(3));

  expect([...(await client.generateRandom(3))]).toEqual([1, 2, 3]);

  client.close();
  await settled;
});

test('a call that the bridge did not look at, because it had said that the connection ends, is made on another one', async () => {
  const sockets: Socket[] = [];
  const { client } = await against((request, response, attempt) => {
    sockets.push(request.socket);
    if (attempt === 1) response.shouldKeepAlive = false;
    setTimeout(() => good(response), 50);
  });

  const answers = await Promise.all(Array.from({ length: 3 }, () => client.generateRandom(3)));

  expect(answers.map((answer) => [...answer])).toEqual(Array.from({ length: 3 }, () => [1, 2, 3]));
  expect(new Set(sockets).size).toBeGreaterThan(1);
});

test('an answer that is late is late for its own call only', async () => {
  const waiting: ServerResponse[] = [];
  const { client } = await against((_, response) => void waiting.push(response), { deadlineMs: 2_000 });
  const late = client.generateRandom(3).catch((error) => error.code);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const next = client.generateRandom(3);
  await vi.waitFor(() => expect(waiting.length).toBe(2));

  expect(await late).toBe('timeout');
  for (const response of waiting) good(response);

  expect([...(await next)]).toEqual([1, 2, 3]);
});

test('what a reply holds is its own memory', async () => {
  const { client } = await against((_, response) => good(response));

  const random = await client.generateRandom(3);

  expect(random.buffer.byteLength).toBe(3);
});

test('a closed client refuses calls at once', async () => {
  const { client } = await against((_, response) => good(response));
  await client.generateRandom(3);

  client.close();

  await vi.waitFor(async () => expect(await client.generateRandom(3).catch((error) => error.code)).toBe('unavailable'));
});
