/** Operations on sealed seeds, key agreement, and key pairs that leave the service. */
import type { BridgeReply, BridgeRequest } from '#shared/bridge-messages.ts';
import { peerPoint } from '../driver/key-agreement.ts';
import type { DataKeyPairHead } from '../driver/software-jobs.ts';
import type { CallContext, Hsm } from './hsm.ts';
import { demandUse, invalid } from './rules.ts';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');
const none = Buffer.alloc(0);

export async function encapsulate(hsm: Hsm, { key }: BridgeRequest<'encapsulate'>, context: CallContext): Promise<BridgeReply<'encapsulate'>> {
  await hsm.check(key);
  demandUse(key.material, 'ENCAPSULATE_DECAPSULATE', 'ML_KEM');
  const [sharedSecret, ciphertext] = await hsm.run('encapsulate', [json(key.material.publicKey)], context);
  return { sharedSecret: sharedSecret!, ciphertext: ciphertext! };
}

export async function decapsulate(hsm: Hsm, { key, ciphertext }: BridgeRequest<'decapsulate'>, context: CallContext): Promise<BridgeReply<'decapsulate'>> {
  const [sharedSecret] = await hsm.withAuthenticRow(key, (row) => {
    demandUse(key.material, 'ENCAPSULATE_DECAPSULATE', 'ML_KEM');
    return hsm.runSlow('decapsulate', [row, ciphertext], context);
  });
  return { sharedSecret: sharedSecret! };
}

export async function deriveSharedSecret(hsm: Hsm, { key, publicKey }: BridgeRequest<'derive-shared-secret'>, context: CallContext): Promise<BridgeReply<'derive-shared-secret'>> {
  const [sharedSecret] = await hsm.withKey(key, context, async (handle) => {
    demandUse(key.material, 'KEY_AGREEMENT', 'ECDH');
    const point = peerPoint(key.material.keySpec, publicKey);
    if (point === undefined) throw invalid(`the public key is not one of ${key.material.keySpec}`);
    return hsm.run('derive', [handle, json(key.material.keySpec), point], context);
  });
  return { sharedSecret: sharedSecret! };
}

export async function generateDataKeyPair(
  hsm: Hsm,
  { side, aad, keyPairSpec, wantPlaintext }: BridgeRequest<'generate-data-key-pair'>,
  context: CallContext,
): Promise<BridgeReply<'generate-data-key-pair'>> {
  const [iv, ciphertext, publicKey, privateKey] = await hsm.withKey(side.key, context, async (handle) => {
    demandUse(side.key.material, 'ENCRYPT_DECRYPT', side.algorithm);
    if (side.algorithm !== 'SYMMETRIC_DEFAULT') throw invalid('private keys are sealed under SYMMETRIC_DEFAULT keys only');
    const head: DataKeyPairHead = { spec: keyPairSpec, wantPlaintext };
    return hsm.runSlow('dataKeyPair', [handle, aad ?? none, json(head)], context);
  });
  return { iv: iv!, ciphertext: ciphertext!, publicKey: publicKey!, ...(wantPlaintext ? { privateKey: privateKey! } : {}) };
}
