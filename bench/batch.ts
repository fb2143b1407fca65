/** Items per second of batches of 100, beside the same operation called one by one, on the single node with the audit on. */
import { CreateKeyCommand, EncryptCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { type Measurement, measure, warmUp } from './measure.ts';
import { region, type SignedRequest, sender, withConnections } from './signed-load.ts';
import { withSingleNode } from './single-node.ts';

const batchSize = 100;
const inFlights = [1, 16] as const;
const warmUpCalls = 5_000;

export async function benchBatch(report: (measurement: Measurement) => void): Promise<void> {
  await withSingleNode(async (node) => {
    const { endpoint, credentials, cpuMs } = node;
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
    const batchOf = (name: string, members: Record<string, unknown>): SignedRequest => ({
      path: `/v1/batch/${name}`,
      members: { Items: Array.from({ length: batchSize }, () => members) },
    });
    await withConnections(node, 16, async (idle) => {
      for (const [name, path, members] of sections) {
        await warmUp(16, warmUpCalls, await sender(node, idle, { path, members }));
        await warmUp(16, warmUpCalls / batchSize, await sender(node, idle, batchOf(name, members)));
      }
    });
    for (const inFlight of inFlights) {
      await withConnections(node, inFlight, async (idle) => {
        for (const [name, path, members] of sections) {
          const single = await measure(`node/${name}-single/c${inFlight}`, { inFlight }, await sender(node, idle, { path, members }), cpuMs);
          report(single);
          const batch = await measure(`node/${name}-batch-${batchSize}/c${inFlight}`, { inFlight }, await sender(node, idle, batchOf(name, members)), cpuMs);
          const itemsPerSecond = batch.opsPerSecond * batchSize;
          const cheaper = (single.cpuMsEach ?? 0) / ((batch.cpuMsEach ?? 0) / batchSize);
          report({
            ...batch,
            opsPerSecond: itemsPerSecond,
            notes: `items per second: ${(itemsPerSecond / single.opsPerSecond).toFixed(1)} times single calls, CPU ${cheaper.toFixed(1)} times less`,
          });
        }
      });
    }
  });
}
