import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import type { BridgeReply, BridgeRequest } from '#shared/bridge-protocol.ts';
import type { KeyRequest } from '../driver/material.ts';
import type { CallContext, Hsm } from './hsm.ts';
import { invalid } from './rules.ts';

export async function generateKey(hsm: Hsm, { binding, keySpec, keyUsage, origin }: BridgeRequest<'generate-key'>, context: CallContext): Promise<BridgeReply<'generate-key'>> {
  const descriptor = describeKeySpec(keySpec);
  if (!descriptor.usages.includes(keyUsage)) throw invalid(`${keySpec} is not for ${keyUsage}`);
  if (origin === 'EXTERNAL' || origin === 'EXTERNAL_KEY_STORE') throw invalid(`a key of origin ${origin} is not generated here`);
  const { account, region, keyId, version } = binding;
  const request: KeyRequest = {
    format: 1,
    account,
    region,
    keyId,
    version,
    keySpec,
    keyUsage,
    origin,
    protection: descriptor.protection,
    wrapMechanism: descriptor.kind === 'seed' ? 'AES_GCM_SEED' : 'AES_KWP',
    createdAt: Date.now(),
  };
  const fields = [Buffer.from(JSON.stringify(request), 'utf8')];
  // Seconds for RSA, milliseconds of this CPU for seeds: they must not stand in front of anyone's microseconds.
  const [material] = await (descriptor.kind === 'rsa' || descriptor.kind === 'seed' ? hsm.runSlow('generate', fields, context) : hsm.run('generate', fields, context));
  return { material: JSON.parse(material!.toString('utf8')) as BridgeReply<'generate-key'>['material'] };
}

export async function getPublicKey(hsm: Hsm, { key }: BridgeRequest<'get-public-key'>): Promise<BridgeReply<'get-public-key'>> {
  await hsm.check(key);
  if (key.material.publicKey === undefined) throw invalid(`${key.material.keySpec} has no public key`);
  return { publicKey: Buffer.from(key.material.publicKey, 'base64') };
}
