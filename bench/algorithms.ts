/** The algorithms that run on sealed seeds, key agreement and key pairs, over the bridge: one row each, at 16 in flight; RSA pairs, which take seconds, one after the other. */
import { generateKeyPairSync } from 'node:crypto';
import { dataKeyPairSpecs, describeKeySpec, isSeedSpec, type KeySpec, keySpecs, type SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import { type MessageType, signingDescriptors } from '#shared/algorithms/signing.ts';
import type { CipherSide, Crypto } from '#shared/ports/crypto.ts';
import { makeKey } from './keys.ts';
import { type Measurement, measure } from './measure.ts';

const load = { inFlight: 16, warmUpMs: 300, durationMs: 1_200 };
const messages: Readonly<Record<MessageType, Uint8Array>> = { RAW: new Uint8Array(32).fill(7), DIGEST: new Uint8Array(64).fill(7), EXTERNAL_MU: new Uint8Array(64).fill(7) };
const kebab = (name: string): string => name.toLowerCase().replaceAll('_', '-');

type Report = (measurement: Measurement) => void;

export async function benchAlgorithms(client: Crypto, side: CipherSide, report: Report): Promise<void> {
  const row = async (name: string, call: () => Promise<unknown>, inFlight = load.inFlight) => report(await measure(`bridge/${name}/c${inFlight}`, { ...load, inFlight }, call));
  for (const spec of keySpecs.filter(isSeedSpec)) {
    for (const algorithm of describeKeySpec(spec).signingAlgorithms ?? []) await benchSigning(client, spec, algorithm, row);
    if (describeKeySpec(spec).encapsulationAlgorithms !== undefined) {
      const key = await makeKey(client, spec, 'ENCAPSULATE_DECAPSULATE');
      const { ciphertext } = await client.encapsulate(key);
      await row(`${kebab(spec)}-encapsulate`, () => client.encapsulate(key));
      await row(`${kebab(spec)}-decapsulate`, () => client.decapsulate(key, ciphertext));
    }
  }
  for (const spec of keySpecs) {
    const descriptor = describeKeySpec(spec);
    if (descriptor.kind !== 'ec' || descriptor.keyAgreementAlgorithms === undefined) continue;
    const key = await makeKey(client, spec, 'KEY_AGREEMENT');
    const peer = generateKeyPairSync('ec', { namedCurve: descriptor.curve }).publicKey.export({ format: 'der', type: 'spki' });
    await row(`ecdh-${kebab(spec)}`, () => client.deriveSharedSecret(key, peer));
  }
  for (const spec of dataKeyPairSpecs)
    await row(`data-key-pair-${kebab(spec)}`, () => client.generateDataKeyPair(side, spec, true), describeKeySpec(spec).kind === 'rsa' ? 1 : load.inFlight);
}

async function benchSigning(client: Crypto, spec: KeySpec, algorithm: SigningAlgorithm, row: (name: string, call: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const key = await makeKey(client, spec, 'SIGN_VERIFY');
  for (const messageType of Object.keys(signingDescriptors[algorithm].messageTypes) as MessageType[]) {
    // Every algorithm of a spec has message types of its own.
    const name = `${kebab(spec)}-${kebab(messageType)}`;
    const message = messages[messageType];
    const signature = await client.sign(key, algorithm, messageType, message);
    await row(`${name}-sign`, () => client.sign(key, algorithm, messageType, message));
    await row(`${name}-verify`, () => client.verify(key, algorithm, messageType, message, signature));
  }
}
