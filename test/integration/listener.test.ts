/** The HTTP front by itself, with small limits: what strangers on the machine can take of it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createListener, defaultLimits, type Listener, type ListenerLimits } from '#server/http/listener.ts';
import type { ApiRequest } from '#shared/protocols/api-request.ts';

let listener: Listener;
let port: number;
let seen: ApiRequest[];
let refused: string[];
/** Until it is resolved, requests wait for their answers. */
let release: PromiseWithResolvers<void>;

async function listen(limits: Partial<ListenerLimits> = {}): Promise<void> {
  seen = [];
  refused = [];
  release = Promise.withResolvers();
  listener = createListener({
    limits: { ...defaultLimits, ...limits },
    authenticate: () => ({ account: '', region: '', principalArn: '', principalId: '' }),
    async handle(request, authenticate) {
      seen.push(request);
      try {
        authenticate(request);
      } catch (error) {
        refused.push((error as Error).message);
      }
      await release.promise;
      return { status: 200, headers: {}, body: request.path, summary: { requestId: '', operation: undefined, principalArn: undefined, errorCode: undefined } };
    },
    health: () => ({ ready: true, body: {} }),
    log: () => undefined,
  });
  port = await listener.listen('127.0.0.1', 0);
}
afterEach(() => listener.close(0));

async function open(): Promise<{ socket: Socket; said: () => string; closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return { socket, said: () => text, closed };
}

/** One byte now and then, for as long as the connection takes it. */
async function drip(socket: Socket, everyMs: number): Promise<void> {
  while (!socket.destroyed) {
    socket.write('x');
    await wait(everyMs);
  }
}

const head = 'POST /a HTTP/1.1\r\nHost: a\r\n';

test.each([
  ['nothing at all', ''],
  ['headers, byte by byte', `${head}X-`],
  ['a body, byte by byte', `${head}Content-Length: 100000\r\n\r\n`],
  ['a chunked body, byte by byte', `${head}Transfer-Encoding: chunked\r\n\r\nfffff\r\n`],
  ['a second request, byte by byte', `${head}Content-Length: 0\r\n\r\n${head}X-`],
  ['a body for /health, byte by byte', 'GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'],
])('a connection that sends %s is closed, however steadily it sends', async (_, first) => {
  await listen({ requestTimeoutMs: 300, idleTimeoutMs: 60_000 });
  release.resolve();
  const { socket, closed } = await open();

  socket.write(first);
  if (first !== '') void drip(socket, 20);

  // Its end is what is waited for: without one, the test runs out of time.
  await closed;
});

test('more connections than the limit are closed at once, and those before them are served', async () => {
  await listen({ connectionsMax: 5 });
  release.resolve();
  const kept = await Promise.all(Array.from({ length: 5 }, open));
  const more = await Promise.all(Array.from({ length: 20 }, open));

  await Promise.all(more.map(({ closed }) => closed));
  for (const { socket } of kept) socket.write(`${head}Connection: close\r\nContent-Length: 0\r\n\r\n`);
  await Promise.all(kept.map(({ closed }) => closed));

  for (const { said } of more) expect(said()).toBe('');
  for (const { said } of kept) expect(said()).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ['bytes', '\0\0\0garbage\r\n\r\n'],
  ['a request without a host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
])('garbage behind a request (%s) leaves that request its answer, and ends the connection', async (_, garbage) => {
  await listen();
  const { socket, said, closed } = await open();

  socket.write(`${head}Content-Length: 0\r\n\r\n${garbage}`);
  while (seen.length === 0) await wait(5);
  await wait(20);
  release.resolve();
  await closed;

  expect(said()).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n\/aHTTP\/1\.1 400 /s);
});

test('a request with a header twice that must be unique is refused where it is recorded', async () => {
  await listen();
  release.resolve();
  const { socket, closed } = await open();

  socket.write(`${head}Connection: close\r\nX-Amz-Target: a\r\nx-amz-target: b\r\nContent-Length: 0\r\n\r\n`);
  await closed;

  expect(refused).toEqual(['The header x-amz-target must be unique and is repeated.']);
});

test('more headers than are read are refused, and not left out', async () => {
  await listen();
  release.resolve();
  const { socket, said, closed } = await open();

  socket.write(`${head}${Array.from({ length: 150 }, (_, at) => `X-${at}: 1\r\n`).join('')}X-Amz-Target: a\r\nContent-Length: 0\r\n\r\n`);
  await closed;

  expect(said()).toMatch(/^HTTP\/1\.1 431 /);
  expect(seen).toEqual([]);
});
