import { randomUUID } from 'node:crypto';
import type { KeySpec, KeyUsage } from '#shared/algorithms/key-specs.ts';
import type { Crypto, KeyHandle } from '#shared/ports/crypto.ts';

export async function makeKey(bridge: Pick<Crypto, 'generateKey'>, keySpec: KeySpec, keyUsage: KeyUsage): Promise<KeyHandle> {
  const binding = { account: '000000000000', region: 'eu-west-1', keyId: randomUUID(), version: 1 };
  return { binding, material: await bridge.generateKey({ binding, keySpec, keyUsage, origin: 'AWS_KMS' }) };
}
