/** The single node as a client sees it: signed requests over the wire protocol, audit on, against the real server and its bridge. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateKeyCommand, type CreateKeyCommandInput, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { signRequest } from '#test/support/sign-request.ts';
import { inFlights } from './bridge.ts';
import { HttpConnection } from './http-connection.ts';
import { type Measurement, measure } from './measure.ts';

const region = 'eu-west-1';

export async function benchNode(report: (measurement: Measurement) => void): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'chatelaine-bench-'));
  const server = spawn(process.execPath, [resolve(import.meta.dirname, '../server/main.ts')], {
    env: { ...process.env, CHATELAINE_PORT: '0', CHATELAINE_DATA: dataDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const endpoint = new URL(await readyEndpoint(server));
    const credentials = readCredentials(join(dataDir, 'credentials'));
    const client = new KMSClient({ endpoint: endpoint.origin, region, credentials });
    const createKey = async (input: CreateKeyCommandInput) => (await client.send(new CreateKeyCommand(input))).KeyMetadata?.KeyId ?? '';
    const aes = await createKey({});
    const p256 = await createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const plaintext = Buffer.alloc(1024, 7);
    const { CiphertextBlob = new Uint8Array() } = await client.send(new EncryptCommand({ KeyId: aes, Plaintext: plaintext }));
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const requests: [string, string, Record<string, unknown>][] = [
      ['encrypt-1k', 'Encrypt', { KeyId: aes, Plaintext: base64(plaintext) }],
      ['decrypt-1k', 'Decrypt', { CiphertextBlob: base64(CiphertextBlob) }],
      ['generate-data-key', 'GenerateDataKey', { KeyId: aes, KeySpec: 'AES_256' }],
      ['sign-p256', 'Sign', { KeyId: p256, Message: base64(plaintext), SigningAlgorithm: 'ECDSA_SHA_256' }],
    ];
    for (const inFlight of inFlights) {
      const idle = Array.from({ length: inFlight }, () => new HttpConnection(endpoint.hostname, Number(endpoint.port)));
      for (const [name, operation, members] of requests) {
        // Signed once and sent again and again: the server verifies each one, and the load generator does no cryptography.
        const request = await wireRequest(endpoint.host, credentials, operation, members);
        const call = async () => {
          const connection = idle.pop()!;
          const status = await connection.send(request);
          idle.push(connection);
          if (status !== 200) throw new Error(`status ${status}`);
        };
        report(await measure(`node/${name}/c${inFlight}`, { inFlight }, call));
      }
      for (const connection of idle) connection.close();
    }
  } finally {
    server.kill('SIGTERM');
    await Promise.race([once(server, 'exit'), new Promise((done) => setTimeout(done, 15_000).unref())]);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The server's JSON ready line; everything after it is its request log, which is read and dropped. */
async function readyEndpoint(server: ChildProcess): Promise<string> {
  const lines = createInterface({ input: server.stdout! });
  return new Promise((found, failed) => {
    server.once('exit', (code) => failed(new Error(`the server ended with ${code} before it was ready`)));
    lines.on('line', (line) => {
      if (!line.startsWith('{"event":"ready"')) return;
      const { endpoint } = JSON.parse(line) as { endpoint?: string };
      if (endpoint !== undefined) found(endpoint);
    });
  });
}

function readCredentials(path: string): { accessKeyId: string; secretAccessKey: string } {
  const text = readFileSync(path, 'utf8');
  const value = (name: string) => new RegExp(`^${name} *= *(.+)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
}

async function wireRequest(host: string, principal: { accessKeyId: string; secretAccessKey: string }, operation: string, members: Record<string, unknown>): Promise<Buffer> {
  const body = JSON.stringify(members);
  const signed = await signRequest({ principal, region, host, headers: { 'x-amz-target': `TrentService.${operation}` }, body });
  const headers = Object.entries({ ...signed.headers, 'content-length': String(Buffer.byteLength(body)) }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST / HTTP/1.1\r\n${headers.join('')}\r\n${body}`);
}
