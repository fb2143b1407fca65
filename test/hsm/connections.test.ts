/** The bridge's listener under clients that are hasty, slow, silent or out of date. Real TLS; the jobs behind it are a stand-in that a test holds back. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Hsm } from '#bridge/operations/hsm.ts';
import { type CertificateAndKey, createAuthority, issue } from '#bridge/pki/certificates.ts';
import { BridgeServer, type ServerLimits } from '#bridge/server/server.ts';
import { encodeFrame } from '#shared/bridge-protocol.ts';

let authority: CertificateAndKey;
let serverPair: CertificateAndKey;
let clientPair: CertificateAndKey;
beforeAll(async () => {
  authority = await createAuthority();
  serverPair = await issue({ authority, kind: 'bridge', names: ['127.0.0.1'] });
  clientPair = await issue({ authority, kind: 'client', callerClass: 'crypto' });
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

const patient: ServerLimits = { handshakeMs: 60_000, requestMs: 60_000, answerMs: 60_000, idleMs: 60_000, lingerMs: 60_000, lifeMs: 60_000, lookMs: 20 };
const soonMs = 150;

interface Job {
  readonly length: number;
  finish(): void;
}

async function startServer(limits: Partial<ServerLimits> = {}, held = false) {
  const jobs: Job[] = [];
  const run = (_: string, [field]: readonly Uint8Array[]) =>
    new Promise<Buffer[]>((resolve) => {
      const length = Number(Buffer.from(field as Uint8Array).toString());
      const job = { length, finish: () => resolve([Buffer.alloc(length, length)]) };
      jobs.push(job);
      if (!held) job.finish();
    });
  const lane = { run };
  const hsm = new Hsm({ fast: lane, slow: lane, cacheEntriesMax: 1, cacheTtlMs: 1, onMaterialRefused: () => {}, onTokenLost: () => {} });
  const certificates = { certificate: serverPair.certificate, key: serverPair.key, clientAuthority: authority.certificate };
  const server = new BridgeServer({ hsm, host: '127.0.0.1', port: 0, certificates, onFault: () => {}, limits: { ...patient, ...limits } });
  const port = await server.listen();
  cleanups.push(() => server.drain(0));
  return { server, port, jobs, certificates };
}

interface Client {
  readonly socket: TLSSocket;
  text(): string;
  readonly closed: Promise<unknown>;
}

async function client(port: number, options: ConnectionOptions = {}): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.certificate, cert: clientPair.certificate, key: clientPair.key, servername: '', ...options });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  cleanups.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  return { socket, closed, text: () => Buffer.concat(chunks).toString('latin1') };
}

function request(length: number, headers = ''): Buffer {
  const body = encodeFrame({ length });
  return Buffer.concat([Buffer.from(`POST /v1/generate-random HTTP/1.1\r\nhost: bridge\r\n${headers}content-length: ${body.length}\r\n\r\n`, 'latin1'), body]);
}

const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1] as string);
/** The random bytes of each answer, by their length. */
const lengths = (text: string): number[] => [...text.matchAll(/\["random",(\d+)\]/g)].map((match) => Number(match[1]));

test('requests that follow one another on a connection are begun together and answered in their order, whichever is done first', async () => {
  const { port, jobs } = await startServer({}, true);
  const { socket, text } = await client(port);

  socket.write(Buffer.concat([request(1), request(2), request(3)]));
  await vi.waitFor(() => expect(jobs.length).toBe(3));
  jobs[2]?.finish();
  jobs[1]?.finish();
  jobs[0]?.finish();

  await vi.waitFor(() => expect(lengths(text())).toEqual([1, 2, 3]));
});

test('a request in as many pieces as it has bytes is the same request', async () => {
  const { port } = await startServer();
  const { socket, text } = await client(port);

  for (const byte of request(5)) socket.write(Buffer.of(byte));

  await vi.waitFor(() => expect(lengths(text())).toEqual([5]));
});

test('a client that does not read its answers cannot make the bridge work for more than a bounded number, and is cut off', async () => {
  const { port, jobs } = await startServer({ answerMs: 500 });
  const { socket, closed } = await client(port);
  const requests = 60_000;

  socket.pause();
  socket.write(Buffer.concat(Array.from({ length: requests }, () => request(1024))));
  await closed;

  expect(jobs.length).toBeLessThan(requests);
});

test.each<[string, Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['half a head', request(1).subarray(0, 20)],
  ['half a body', request(1).subarray(0, -3)],
])('a client that sends %s and then waits is cut off', async (_, bytes) => {
  const { port } = await startServer({ requestMs: soonMs, idleMs: soonMs });
  const { socket, closed } = await client(port);

  socket.write(bytes);

  await closed;
});

test('a client that sends a request byte by byte, for ever, is cut off', async () => {
  const { port } = await startServer({ requestMs: soonMs });
  const { socket, closed } = await client(port);
  const drip = setInterval(() => socket.write('a'), 10);
  cleanups.push(() => clearInterval(drip));

  await closed;
});

test.each<[string, (socket: Socket) => void]>([
  ['never begins', () => {}],
  [
    'dribbles',
    (socket) => {
      // A record header of a ClientHello that takes its time.
      socket.write(Buffer.from('160301020001', 'hex'));
      const drip = setInterval(() => socket.write(Buffer.of(0)), 20);
      cleanups.push(() => clearInterval(drip));
    },
  ],
])('a TLS handshake that %s is cut off', async (_, send) => {
  const { port } = await startServer({ handshakeMs: soonMs });
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');

  send(socket);

  await closed;
});

/** What a client of a connection that was answered could try to resume. */
async function sessionOf(port: number): Promise<Buffer> {
  let session: Buffer | undefined;
  const { socket } = await client(port);
  socket.on('session', (given) => {
    session = given;
  });
  socket.write(request(1));
  await vi.waitFor(() => expect(session).toBeDefined());
  return session as unknown as Buffer;
}

test('a TLS session is never resumed, so every connection is held to its certificates', async () => {
  const { port } = await startServer();
  const session = await sessionOf(port);

  const second = await client(port, { session });

  expect(second.socket.isSessionReused()).toBe(false);
});

test('a session of an authority that vouches no more opens nothing', async () => {
  const { server, port, certificates } = await startServer();
  const session = await sessionOf(port);

  server.useCertificates({ ...certificates, clientAuthority: (await createAuthority()).certificate });
  const late = await client(port, { session });
  late.socket.write(request(2));

  await late.closed;
  expect(late.text()).toBe('');
});

test('when other authorities vouch for clients, open connections answer what they took and end', async () => {
  const { server, port, certificates, jobs } = await startServer({}, true);
  const [busy, idle] = [await client(port), await client(port)];
  busy.socket.write(request(4));
  await vi.waitFor(() => expect(jobs.length).toBe(1));

  server.useCertificates({ ...certificates, clientAuthority: (await createAuthority()).certificate });
  await idle.closed;
  jobs[0]?.finish();
  await busy.closed;

  expect(lengths(busy.text())).toEqual([4]);
  expect(busy.text()).toContain('connection: close');
});

test('a connection ends with the certificate of its client', async () => {
  const { port } = await startServer();
  const brief = await issue({ authority, kind: 'client', callerClass: 'crypto', validDays: 3 / 86_400 });
  const { socket, closed, text } = await client(port, { cert: brief.certificate, key: brief.key });
  socket.write(request(1));

  await closed;

  expect(lengths(text())).toEqual([1]);
});

test('at the end of its life a connection says so, and looks at nothing behind its last request', async () => {
  const { port, jobs } = await startServer({ lifeMs: 300 }, true);
  const { socket, text, closed } = await client(port);
  socket.write(request(1));
  await vi.waitFor(() => expect(jobs.length).toBe(1));
  await new Promise((resolve) => setTimeout(resolve, 600));

  socket.write(request(2));
  await new Promise((resolve) => setTimeout(resolve, 100));
  jobs[0]?.finish();
  await closed;

  expect(statuses(text())).toEqual(['200']);
  expect(text()).toContain('connection: close');
  expect(jobs.length).toBe(1);
});

test.each([
  ['a transfer coding', 'POST /v1/generate-random HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'POST /v1/generate-random HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n'],
  ['a signed length', 'POST /v1/generate-random HTTP/1.1\r\nhost: a\r\ncontent-length: +5\r\n\r\n'],
  ['no length', 'POST /v1/generate-random HTTP/1.1\r\nhost: a\r\n\r\n'],
  ['no host', 'POST /v1/generate-random HTTP/1.1\r\ncontent-length: 5\r\n\r\n'],
  ['a space before the colon', 'POST /v1/generate-random HTTP/1.1\r\nhost: a\r\ncontent-length : 5\r\n\r\n'],
  ['a folded header', 'POST /v1/generate-random HTTP/1.1\r\nhost: a\r\n b\r\ncontent-length: 5\r\n\r\n'],
  ['a bare line feed', 'POST /v1/generate-random HTTP/1.1\nhost: a\ncontent-length: 5\r\n\r\n'],
  ['another version', 'POST /v1/generate-random HTTP/1.0\r\nhost: a\r\ncontent-length: 5\r\n\r\n'],
  ['an expectation', 'POST /v1/generate-random HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n'],
  ['a head without end', `POST /v1/generate-random HTTP/1.1\r\nhost: ${'a'.repeat(9_000)}`],
])('a request with %s is refused, and nothing behind it is looked at', async (_, head) => {
  const { port, jobs } = await startServer();
  const { socket, text, closed } = await client(port);

  socket.write(Buffer.concat([request(1), Buffer.from(head, 'latin1'), request(2)]));
  await closed;

  expect(statuses(text())).toEqual(['200', '400']);
  expect(text()).toContain('connection: close');
  expect(jobs.length).toBe(1);
});

test('a client that asks for it gets one more answer and the end', async () => {
  const { port, jobs } = await startServer();
  const { socket, text, closed } = await client(port);

  socket.write(Buffer.concat([request(1), request(2, 'connection: close\r\n'), request(3)]));
  await closed;

  expect(lengths(text())).toEqual([1, 2]);
  expect(jobs.length).toBe(2);
});

test('a client that is told to go and stays is cut off', async () => {
  const { port } = await startServer({ lingerMs: soonMs });
  const { socket } = await client(port, { allowHalfOpen: true } as ConnectionOptions);
  const gone = new Promise((resolve) => socket.once('error', resolve).once('close', resolve));
  const drip = setInterval(() => socket.write('a'), 10);
  cleanups.push(() => clearInterval(drip));

  socket.write(request(1, 'connection: close\r\n'));

  await gone;
});
