import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import type { BridgeReply, BridgeRequest } from '#shared/bridge-messages.ts';
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

/**
 * Replicas of a multi-Region key have the same id and the same material, and nothing else does: every other claim of the row is carried over. Imported
 * material is imported in each Region by its owner (docs/adr/0022).
 */
export async function rebindKey(hsm: Hsm, { key, region }: BridgeRequest<'rebind-key'>, context: CallContext): Promise<BridgeReply<'rebind-key'>> {
  if (!key.binding.keyId.startsWith('mrk-')) throw invalid('only the material of a multi-Region key has a second Region');
  if (key.material.origin === 'EXTERNAL') throw invalid('imported material is imported in each Region');
  if (key.binding.region === region) throw invalid('the material is bound to the Region already');
  const [material] = await hsm.withAuthenticRow(key, (row) => hsm.run('rebind', [row, Buffer.from(region, 'utf8')], context));
  return { material: JSON.parse(material!.toString('utf8')) as BridgeReply<'rebind-key'>['material'] };
}

export async function getPublicKey(hsm: Hsm, { key }: BridgeRequest<'get-public-key'>): Promise<BridgeReply<'get-public-key'>> {
  await hsm.check(key);
  if (key.material.publicKey === undefined) throw invalid(`${key.material.keySpec} has no public key`);
  return { publicKey: Buffer.from(key.material.publicKey, 'base64') };
}
