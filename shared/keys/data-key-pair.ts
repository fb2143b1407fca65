/** What both data-key-pair operations share. AWS KMS API Reference, GenerateDataKeyPair. */
import * as z from 'zod';
import { dataKeyPairSpecs, type KeySpec } from '#shared/algorithms/key-specs.ts';
import type { KmsError } from '#shared/errors.ts';
import { encryptionContext } from '#shared/fields/encryption-context.ts';
import { dataKeyPairSpecEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { EncryptionCounter } from '#shared/repositories/encryption-counter.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import { contextKeys, requireEncryptionUse, sealingSide } from './encryption.ts';
import { keyMaterialId } from './key-record.ts';

export const dataKeyPairInput = z.object({
  EncryptionContext: encryptionContext(),
  KeyId: keyId(),
  KeyPairSpec: dataKeyPairSpecEnum(),
  GrantTokens: grantTokens(),
  DryRun: dryRun(),
});
type DataKeyPairInput = z.output<typeof dataKeyPairInput>;

export const auditDataKeyPair = (input: DataKeyPairInput) => ({
  keyId: input.KeyId,
  keyPairSpec: input.KeyPairSpec,
  encryptionContextKeys: contextKeys(input.EncryptionContext),
  dryRun: input.DryRun ?? false,
});

interface Fails {
  error(code: 'InvalidKeyUsageException' | 'UnsupportedOperationException' | 'ValidationException', message: string): KmsError;
}

const offeredSpec = (name: string): KeySpec | undefined => dataKeyPairSpecs.find((spec) => spec === name);

export function requireDataKeyPairRequest(ctx: Fails, key: LoadedKey, input: DataKeyPairInput, operation: string): void {
  requireEncryptionUse(ctx, key, 'SYMMETRIC_DEFAULT', input.EncryptionContext, operation);
  if (offeredSpec(input.KeyPairSpec) === undefined) throw ctx.error('UnsupportedOperationException', `KeyPairSpec ${input.KeyPairSpec} is not offered here.`);
}

/** Precondition: requireDataKeyPairRequest passed. */
export async function makeDataKeyPair(
  ports: { cipher: Pick<Crypto, 'generateDataKeyPair'>; encryptionCounter: EncryptionCounter },
  key: LoadedKey,
  input: DataKeyPairInput,
  wantPlaintext: boolean,
) {
  const { side, toBlob } = sealingSide(key, 'SYMMETRIC_DEFAULT', input.EncryptionContext);
  await ports.encryptionCounter.count(side.key.binding);
  const { publicKey, privateKey, ...parts } = await ports.cipher.generateDataKeyPair(side, offeredSpec(input.KeyPairSpec) as KeySpec, wantPlaintext);
  return {
    privateKey,
    PrivateKeyCiphertextBlob: toBlob(parts),
    PublicKey: publicKey,
    KeyId: key.arn,
    KeyPairSpec: input.KeyPairSpec,
    KeyMaterialId: keyMaterialId(key.record.keyId, key.record.currentVersion),
  };
}
