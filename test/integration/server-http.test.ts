/** What the HTTP front of the single node does with requests that are too large, too slow, malformed or wrongly signed. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyRow } from '#shared/repositories/rows.ts';
import { editRow } from '#test/support/edit-row.ts';
import { exchange, startServer, type TestServer } from '#test/support/server.ts';
import { signRequest } from '#test/support/sign-request.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env: { CHATELAINE_REQUEST_TIMEOUT_SECONDS: '3' } });
});
afterAll(() => server.remove());

/** Everything that the server says on one connection until it closes it. */
async function converse(...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket: Socket = connect(server.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) socket.write(piece);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

const works = async (): Promise<void> => expect((await server.call('ListKeys')).status).toBe(200);
const recordsOf = (requestId: unknown) => server.auditRecords().filter((record) => record.requestId === requestId);

describe('health', () => {
  test('GET /health needs no signature', async () => {
    const answer = await server.health();
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: 'ok', store: 'ok', bridge: 'ready', hsm: 'ok', audit: 'ok' });
  });

  test('other methods are refused', async () => {
    expect((await exchange(server.endpoint, { method: 'DELETE', path: '/health', headers: {}, body: new Uint8Array() })).status).toBe(405);
  });
});

describe('size', () => {
  test('a body over 1 MiB is 413 in the shape of the protocol, with one audit record', async () => {
    const answer = await server.send({ headers: { 'x-amz-target': 'TrentService.Encrypt' }, body: Buffer.alloc(1024 * 1024 + 1, 'x') });
    expect(answer.status).toBe(413);
    expect(answer.body.__type).toBe('RequestEntityTooLargeException');
    expect(recordsOf(answer.headers['x-amzn-requestid'])).toHaveLength(1);
    await works();
  });

  test('a chunked body is cut off at the same size', async () => {
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const said = await converse(
      'POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: TrentService.Encrypt\r\nTransfer-Encoding: chunked\r\n\r\n',
      ...Array.from({ length: 20 }, () => chunk),
    );
    expect(said).toMatch(/^HTTP\/1\.1 413 /);
    await works();
  });

  test('a body that is announced too large is refused before it is sent', async () => {
    const said = await converse('POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: TrentService.Encrypt\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('a body of nearly 1 MiB is judged by the operation', async () => {
    const answer = await server.call('Encrypt', { KeyId: 'x'.repeat(1024 * 1000), Plaintext: 'AAAA' });
    expect([answer.status, answer.body.__type]).toEqual([400, 'ValidationException']);
  });

  test('headers that are too large are refused', async () => {
    const said = await converse(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('time', () => {
  test('headers that never end are cut off (slow loris), and others are served meanwhile', async () => {
    const slow = Promise.all(Array.from({ length: 50 }, () => converse('POST / HTTP/1.1\r\nHost: localhost\r\nX-')));
    await works();
    for (const said of await slow) expect(said).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a body that never ends is cut off', async () => {
    const said = await converse('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    await works();
  });
});

describe('malformed', () => {
  test.each([
    ['text', 'hello\r\n\r\n'],
    ['zero bytes', '\0\0\0\0\0\0\0\0\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
    ['a length and chunks', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a bad chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
  ])('%s is 400 and harms nobody', async (_name, bytes) => {
    expect(await converse(Buffer.from(bytes, 'latin1'))).toMatch(/^HTTP\/1\.1 400 /);
    await works();
  });

  test('random bytes never stop the server', async () => {
    const random = (seed: number): Buffer => Buffer.from(Array.from({ length: 200 }, (_, at) => (seed * 7919 + at * 104_729) % 251));
    await Promise.all(Array.from({ length: 50 }, (_, seed) => converse(random(seed), '\r\n\r\n')));
    await works();
  });

  test.each(['Authorization', 'Host', 'X-Amz-Target', 'X-Amz-Date', 'X-Amz-Security-Token'])('a repeated %s header is refused, with one audit record', async (name) => {
    const said = await converse(`POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${name}: a\r\n${name}: b\r\nContent-Length: 0\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    // A second Host is no HTTP request (RFC 9112 section 3.2), so node:http refuses it.
    if (name !== 'Host') expect(recordsOf(/x-amzn-requestid: (\S+)/i.exec(said)?.[1])).toMatchObject([{ errorCode: 'ValidationException' }]);
  });

  test('CONNECT and upgrades get no connection', async () => {
    expect(await converse('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n')).not.toContain('200');
    expect(await converse('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')).not.toContain('101');
  });
});

describe('signatures', () => {
  const listKeys = { headers: { 'x-amz-target': 'TrentService.ListKeys' }, body: '{}' };

  test('no signature is a missing token, with one audit record', async () => {
    const answer = await exchange(server.endpoint, { method: 'POST', path: '/', headers: listKeys.headers, body: Buffer.from('{}') });
    expect([answer.status, answer.body]).toEqual([400, { __type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' }]);
    expect(recordsOf(answer.headers['x-amzn-requestid'])).toMatchObject([{ outcome: 'denied', errorCode: 'MissingAuthenticationTokenException', operation: 'ListKeys' }]);
  });

  test.each([
    ['expired', -6 * 60_000, /^Signature expired/],
    ['future', 6 * 60_000, /^Signature not yet current/],
  ])('an %s signature is refused', async (_name, offsetMs, message) => {
    const answer = await server.send({ ...listKeys, nowMs: Date.now() + offsetMs });
    expect(answer.body).toEqual({ __type: 'InvalidSignatureException', message: expect.stringMatching(message) });
  });

  test('a replaced body, a replaced operation and a wrong secret are refused', async () => {
    const signed = await signRequest({ ...listKeys, principal: server.credentials, host: server.endpoint.replace('http://', '') });
    const send = (change: object) => exchange(server.endpoint, { ...signed, ...change });
    expect((await send({})).status).toBe(200);
    const refused = [
      await send({ body: Buffer.from('{ }') }),
      await send({ headers: { ...signed.headers, 'x-amz-target': 'TrentService.ListAliases' } }),
      await send({ path: '/v1/keys', method: 'GET' }),
      await server.send({ ...listKeys, principal: { ...server.credentials, secretAccessKey: 'wrong' } }),
    ];
    for (const answer of refused) expect([answer.status, answer.headers['x-amzn-errortype']]).toEqual([400, 'InvalidSignatureException']);
  });

  test('both service names are accepted, over both protocols', async () => {
    for (const service of ['kms', 'execute-api']) {
      expect((await server.send({ ...listKeys, service })).status).toBe(200);
      expect((await server.send({ method: 'GET', path: '/v1/keys', service })).status).toBe(200);
    }
  });

  test('REST queries and paths with odd characters verify', async () => {
    const { body } = await server.call('CreateKey', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const arn: string = body.KeyMetadata.Arn;
    const described = await server.send({ method: 'GET', path: `/v1/keys/${encodeURIComponent(arn)}` });
    expect(described.body.KeyMetadata.Arn).toBe(arn);
    const listed = await server.send({ method: 'GET', path: '/v1/keys', query: 'Limit=1&Marker=no%20such+marker%21*()%27~' });
    expect(listed.body.code).toBe('InvalidMarkerException');
  });

  test('paths that say the same are served the same, as they are signed the same', async () => {
    expect((await server.send({ method: 'GET', path: '/v1//keys' })).status).toBe(200);
    expect((await server.send({ method: 'GET', path: '/v1/aliases/../keys' })).status).toBe(200);
  });
});

describe('a fault inside', () => {
  test('leaves one line in the log, with the request id that the caller has, the kinds of errors and where they came from', async () => {
    const { body } = await server.call('CreateKey', { Description: 'a description' });
    const keyId = String(body.KeyMetadata.KeyId);
    editRow(join(server.dataDir, 'chatelaine.db'), keyRow({ region: 'us-east-1', keyId }), (row) => ({ ...row, seal: null }));

    const answer = await server.call('DescribeKey', { KeyId: keyId });

    expect(answer.status).toBe(500);
    const lines = () => server.log.filter((line) => line.event === 'fault');
    await expect.poll(lines).toHaveLength(1);
    const [line] = lines();
    expect(line).toMatchObject({ operation: 'DescribeKey', requestId: answer.headers['x-amzn-requestid'], errorCode: 'KMSInternalException' });
    expect(line!.errors).toMatchObject([{ name: 'KmsError' }, { name: 'SealBroken', stack: expect.arrayContaining([expect.stringContaining('row-reader.ts')]) }]);
    expect(JSON.stringify(line)).not.toContain('a description');
  });
});

describe('connections', () => {
  test('many requests use one connection, also after refused ones', async () => {
    const signed = await signRequest({ headers: { 'x-amz-target': 'TrentService.ListKeys' }, body: '{}', principal: server.credentials, host: 'localhost' });
    const head = Object.entries(signed.headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    const good = `POST / HTTP/1.1\r\n${head}content-length: 2\r\n\r\n{}`;
    const bad = 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}';
    const said = await converse(good, bad, good, bad.replace('host', 'connection: close\r\nhost'));
    expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  test('a caller that goes away in the middle of its body leaves nothing behind', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    socket.destroy();
    await works();
  });
});
