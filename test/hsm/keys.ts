import { randomUUID } from 'node:crypto';
import type { KeySpec, KeyUsage } from '#shared/algorithms/key-specs.ts';
import type { KeyBinding } from '#shared/keys/material.ts';
import type { Crypto, KeyHandle } from '#shared/ports/crypto.ts';

export const newBinding = (): KeyBinding => ({ account: '111122223333', region: 'eu-central-1', keyId: randomUUID(), version: 1 });

export async function makeKey(client: Crypto, keySpec: KeySpec, keyUsage: KeyUsage): Promise<KeyHandle> {
  const binding = newBinding();
  return { binding, material: await client.generateKey({ binding, keySpec, keyUsage, origin: 'AWS_KMS' }) };
}
