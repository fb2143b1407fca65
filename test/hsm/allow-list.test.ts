import { request } from 'node:https';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority, issue } from '#bridge/pki/certificates.ts';
import { type BridgeOperationName, bridgeOperations } from '#shared/bridge-messages.ts';
import { type CallerClass, callerClasses, encodeFrame } from '#shared/bridge-protocol.ts';
import { startTestBridge, type TestBridge } from '#test/support/bridge.ts';

interface Credentials {
  readonly url: string;
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

let bridge: TestBridge;
const credentials = new Map<CallerClass, Credentials>();
beforeAll(async () => {
  bridge = await startTestBridge();
  for (const callerClass of callerClasses) credentials.set(callerClass, await bridge.credentials(callerClass));
});
afterAll(() => bridge?.stop());

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

function post({ url, ...tls }: Credentials, path: string, body: Buffer, options: Record<string, unknown> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { ...tls, agent: false, method: 'POST', headers: { 'content-length': body.length }, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const cells = (Object.keys(bridgeOperations) as BridgeOperationName[]).flatMap((operation) =>
  callerClasses.map((callerClass) => ({ operation, callerClass, allowed: (bridgeOperations[operation].classes as readonly string[]).includes(callerClass) })),
);

test.each(cells)('$callerClass calling $operation: allowed is $allowed', async ({ operation, callerClass, allowed }) => {
  const answer = await post(credentials.get(callerClass)!, `/v1/${operation}`, encodeFrame({ nothing: true }));

  expect(answer.status).toBe(allowed ? 400 : 403);
  expect(JSON.parse(answer.text)).toMatchObject({ code: allowed ? 'invalid-request' : 'forbidden' });
});

test('a client without a certificate, or with one of another authority, gets no answer', async () => {
  const stranger = await createAuthority();
  const { certificate: cert, key } = await issue({ authority: stranger, kind: 'client', callerClass: 'admin' });
  const { url, ca } = credentials.get('admin')!;

  await expect(post({ url, ca }, '/v1/generate-random', encodeFrame({ length: 1 }))).rejects.toThrow();
  await expect(post({ url, ca, cert, key }, '/v1/generate-random', encodeFrame({ length: 1 }))).rejects.toThrow();
});

test('a certificate for bridges does not serve as a client', async () => {
  const { certificate: cert, key } = await issue({ authority: bridge.authority, kind: 'bridge', names: ['localhost'] });
  const { url, ca } = credentials.get('admin')!;

  await expect(post({ url, ca, cert, key }, '/v1/generate-random', encodeFrame({ length: 1 }))).rejects.toThrow();
});

test('TLS 1.2 is refused', async () => {
  await expect(post(credentials.get('admin')!, '/v1/generate-random', encodeFrame({ length: 1 }), { maxVersion: 'TLSv1.2' })).rejects.toThrow();
});

test.each([
  ['another path', '/v2/encrypt', {}],
  ['an unknown operation', '/v1/unwrap', {}],
  ['a name of Object.prototype', '/v1/constructor', {}],
  ['another method', '/v1/generate-random', { method: 'PUT' }],
])('%s is an invalid request', async (_, path, options) => {
  const answer = await post(credentials.get('admin')!, path, encodeFrame({ length: 1 }), options);

  expect(answer.status).toBe(400);
});

test.each([
  ['not a frame', Buffer.from('{"length":1}')],
  ['an empty body', Buffer.alloc(0)],
  ['a frame with bytes left over', Buffer.concat([encodeFrame({ length: 1 }), Buffer.of(0)])],
  ['an unknown member', encodeFrame({ length: 1, extra: true })],
  ['a member of the wrong type', encodeFrame({ length: '1' })],
  ['bytes where a number belongs', encodeFrame({ length: Buffer.of(1) })],
  ['a number out of bounds', encodeFrame({ length: 0 })],
])('%s is an invalid request and leaves the bridge well', async (_, body) => {
  const answer = await post(credentials.get('admin')!, '/v1/generate-random', body);
  const after = await post(credentials.get('admin')!, '/v1/generate-random', encodeFrame({ length: 1 }));

  expect(answer).toMatchObject({ status: 400 });
  expect(after.status).toBe(200);
});

test('a body over the limit is refused before it is read', async () => {
  const answer = await post(credentials.get('admin')!, '/v1/generate-random', Buffer.alloc(0), { headers: { 'content-length': 64 * 1024 + 1 } }).catch((error: Error) => error);

  expect(answer).toMatchObject({ status: 400 });
});

test.each(['0', '-1', '1.5', 'soon'])('the deadline %s is an invalid request', async (deadline) => {
  const body = encodeFrame({ length: 1 });

  const answer = await post(credentials.get('admin')!, '/v1/generate-random', body, { headers: { 'content-length': body.length, 'x-deadline-ms': deadline } });

  expect(answer.status).toBe(400);
});
