/** The single node as a client sees it: signed requests over the wire protocol, audit on, against the real server and its bridge. */
import { CreateKeyCommand, type CreateKeyCommandInput, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { inFlights } from './bridge.ts';
import { type Measurement, measure, warmUp } from './measure.ts';
import { region, type SignedRequest, sender, withConnections } from './signed-load.ts';
import { withSingleNode } from './single-node.ts';

const warmUpCalls = 10_000;

export async function benchNode(report: (measurement: Measurement) => void): Promise<void> {
  await withSingleNode(async (node) => {
    const { endpoint, credentials, cpuMs } = node;
    const client = new KMSClient({ endpoint: endpoint.origin, region, credentials });
    const createKey = async (input: CreateKeyCommandInput) => (await client.send(new CreateKeyCommand(input))).KeyMetadata?.KeyId ?? '';
    const aes = await createKey({});
    const p256 = await createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const plaintext = Buffer.alloc(1024, 7);
    const { CiphertextBlob = new Uint8Array() } = await client.send(new EncryptCommand({ KeyId: aes, Plaintext: plaintext }));
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const wire = (operation: string, members: Record<string, unknown>): SignedRequest => ({ path: '/', headers: { 'x-amz-target': `TrentService.${operation}` }, members });
    const requests: [string, SignedRequest][] = [
      ['encrypt-1k', wire('Encrypt', { KeyId: aes, Plaintext: base64(plaintext) })],
      ['decrypt-1k', wire('Decrypt', { CiphertextBlob: base64(CiphertextBlob) })],
      ['generate-data-key', wire('GenerateDataKey', { KeyId: aes, KeySpec: 'AES_256' })],
      ['sign-p256', wire('Sign', { KeyId: p256, Message: base64(plaintext), SigningAlgorithm: 'ECDSA_SHA_256' })],
    ];
    await withConnections(node, 64, async (idle) => {
      for (const [, request] of requests) await warmUp(64, warmUpCalls, await sender(node, idle, request));
    });
    for (const inFlight of inFlights) {
      await withConnections(node, inFlight, async (idle) => {
        for (const [name, request] of requests) report(await measure(`node/${name}/c${inFlight}`, { inFlight }, await sender(node, idle, request), cpuMs));
      });
    }
  });
}
