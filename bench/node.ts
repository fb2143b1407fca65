/** The single node as a client sees it: signed requests over the wire protocol, audit on, against the real server and its bridge. */
import { CreateKeyCommand, type CreateKeyCommandInput, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { signRequest } from '#test/support/sign-request.ts';
import { inFlights } from './bridge.ts';
import { HttpConnection } from './http-connection.ts';
import { type Measurement, measure, warmUp } from './measure.ts';
import { withSingleNode } from './single-node.ts';

const region = 'eu-west-1';
const warmUpCalls = 10_000;

export async function benchNode(report: (measurement: Measurement) => void): Promise<void> {
  await withSingleNode(async ({ endpoint, credentials, cpuMs }) => {
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
    const connections = (count: number) => Array.from({ length: count }, () => new HttpConnection(endpoint.hostname, Number(endpoint.port)));
    // Signed once and sent again and again: the server verifies each one, and the load generator does no cryptography.
    const sender = async (idle: HttpConnection[], operation: string, members: Record<string, unknown>) => {
      const request = await wireRequest(endpoint.host, credentials, operation, members);
      return async () => {
        const connection = idle.pop()!;
        const status = await connection.send(request);
        idle.push(connection);
        if (status !== 200) throw new Error(`status ${status}`);
      };
    };
    const warming = connections(64);
    for (const [, operation, members] of requests) await warmUp(64, warmUpCalls, await sender(warming, operation, members));
    for (const connection of warming) connection.close();
    for (const inFlight of inFlights) {
      const idle = connections(inFlight);
      for (const [name, operation, members] of requests) {
        report(await measure(`node/${name}/c${inFlight}`, { inFlight }, await sender(idle, operation, members), cpuMs));
      }
      for (const connection of idle) connection.close();
    }
  });
}

async function wireRequest(host: string, principal: { accessKeyId: string; secretAccessKey: string }, operation: string, members: Record<string, unknown>): Promise<Buffer> {
  const body = JSON.stringify(members);
  const signed = await signRequest({ principal, region, host, headers: { 'x-amz-target': `TrentService.${operation}` }, body });
  const headers = Object.entries({ ...signed.headers, 'content-length': String(Buffer.byteLength(body)) }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST / HTTP/1.1\r\n${headers.join('')}\r\n${body}`);
}
