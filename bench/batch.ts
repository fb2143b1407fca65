/** Items per second of batches of 100, beside the same operation called one by one, on the single node with the audit on. */
import { CreateKeyCommand, EncryptCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { signRequest } from '#test/support/sign-request.ts';
import { HttpConnection } from './http-connection.ts';
import { type Measurement, measure, warmUp } from './measure.ts';
import { withSingleNode } from './single-node.ts';

const region = 'eu-west-1';
const batchSize = 100;
const inFlights = [1, 16] as const;
const warmUpCalls = 5_000;

export async function benchBatch(report: (measurement: Measurement) => void): Promise<void> {
  await withSingleNode(async ({ endpoint, credentials, cpuMs }) => {
    const client = new KMSClient({ endpoint: endpoint.origin, region, credentials });
    const { KeyMetadata: aes } = await client.send(new CreateKeyCommand({}));
    const { KeyMetadata: p256 } = await client.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
    const plaintext = Buffer.alloc(256, 7);
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId: aes?.KeyId, Plaintext: plaintext }));
    const { Signature } = await client.send(new SignCommand({ KeyId: p256?.KeyId, Message: plaintext, SigningAlgorithm: 'ECDSA_SHA_256' }));
    const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64');
    const sign = { KeyId: p256?.KeyId, Message: base64(plaintext), SigningAlgorithm: 'ECDSA_SHA_256' };
    const sections: [string, string, Record<string, unknown>][] = [
      ['encrypt', `/v1/keys/${aes?.KeyId}/encrypt`, { KeyId: aes?.KeyId, Plaintext: base64(plaintext) }],
      ['decrypt', '/v1/decrypt', { CiphertextBlob: base64(CiphertextBlob) }],
      ['re-encrypt', '/v1/re-encrypt', { CiphertextBlob: base64(CiphertextBlob), DestinationKeyId: aes?.KeyId }],
      ['data-key', `/v1/keys/${aes?.KeyId}/data-key`, { KeyId: aes?.KeyId, KeySpec: 'AES_256' }],
      ['sign', `/v1/keys/${p256?.KeyId}/sign`, sign],
      ['verify', `/v1/keys/${p256?.KeyId}/verify`, { ...sign, Signature: base64(Signature) }],
    ];
    const connections = (count: number) => Array.from({ length: count }, () => new HttpConnection(endpoint.hostname, Number(endpoint.port)));
    const sender = async (idle: HttpConnection[], path: string, members: Record<string, unknown>) => {
      const request = await restRequest(endpoint.host, credentials, path, members);
      return async () => {
        const connection = idle.pop()!;
        const status = await connection.send(request);
        idle.push(connection);
        if (status !== 200) throw new Error(`status ${status}`);
      };
    };
    const itemsOf = (members: Record<string, unknown>) => ({ Items: Array.from({ length: batchSize }, () => members) });
    const warming = connections(16);
    for (const [name, path, members] of sections) {
      await warmUp(16, warmUpCalls, await sender(warming, path, members));
      await warmUp(16, warmUpCalls / batchSize, await sender(warming, `/v1/batch/${name}`, itemsOf(members)));
    }
    for (const connection of warming) connection.close();
    for (const inFlight of inFlights) {
      const idle = connections(inFlight);
      for (const [name, path, members] of sections) {
        const single = await measure(`node/${name}-single/c${inFlight}`, { inFlight }, await sender(idle, path, members), cpuMs);
        report(single);
        const batch = await measure(`node/${name}-batch-${batchSize}/c${inFlight}`, { inFlight }, await sender(idle, `/v1/batch/${name}`, itemsOf(members)), cpuMs);
        const itemsPerSecond = batch.opsPerSecond * batchSize;
        const cheaper = (single.cpuMsEach ?? 0) / ((batch.cpuMsEach ?? 0) / batchSize);
        report({
          ...batch,
          opsPerSecond: itemsPerSecond,
          notes: `items per second: ${(itemsPerSecond / single.opsPerSecond).toFixed(1)} times single calls, CPU ${cheaper.toFixed(1)} times less`,
        });
      }
      for (const connection of idle) connection.close();
    }
  });
}

async function restRequest(host: string, principal: { accessKeyId: string; secretAccessKey: string }, path: string, members: Record<string, unknown>): Promise<Buffer> {
  const body = JSON.stringify(members);
  const signed = await signRequest({ principal, region, host, path, headers: {}, body });
  const headers = Object.entries({ ...signed.headers, 'content-length': String(Buffer.byteLength(body)) }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${headers.join('')}\r\n${body}`);
}
