/** Key material of the software fake: made, and tagged as the bridge tags it. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { seedPublicKey } from '#bridge/driver/seed-keys.ts';
import { describeKeySpec, isSeedSpec, type KeySpec } from '#shared/algorithms/key-specs.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import type { GenerateKeyRequest } from '#shared/ports/crypto.ts';
import { rsaPair } from './rsa-pairs.ts';

export function tagged(request: GenerateKeyRequest, wrapped: string, publicKey: string | undefined, tag: (unsealed: Omit<KeyMaterial, 'tag'>) => string): KeyMaterial {
  const { binding, keySpec, keyUsage, origin } = request;
  const unsealed = {
    format: 1,
    ...binding,
    keySpec,
    keyUsage,
    origin,
    protection: describeKeySpec(keySpec).protection,
    epoch: 1,
    wrapMechanism: isSeedSpec(keySpec) ? 'AES_GCM_SEED' : 'AES_KWP',
    createdAt: Date.now(),
    ...(publicKey === undefined ? {} : { publicKey }),
    wrapped,
  } as const;
  return { ...unsealed, tag: tag(unsealed) };
}

export function generate(keySpec: KeySpec): { secret: Buffer; publicKey: string | undefined } {
  const spec = describeKeySpec(keySpec);
  if (spec.kind === 'aes' || spec.kind === 'hmac') return { secret: randomBytes(spec.keyBytes), publicKey: undefined };
  if (spec.kind === 'seed') {
    const secret = randomBytes(spec.seedBytes);
    return { secret, publicKey: seedPublicKey(keySpec, secret).toString('base64') };
  }
  const pair = spec.kind === 'rsa' ? rsaPair(spec.modulusBits) : generateKeyPairSync('ec', { namedCurve: spec.curve });
  return {
    secret: pair.privateKey.export({ format: 'der', type: 'pkcs8' }),
    publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  };
}
