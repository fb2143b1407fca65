/** GetPublicKey: the public half as DER SubjectPublicKeyInfo (RFC 5280 section 4.1). AWS KMS API Reference, GetPublicKey. */
import * as z from 'zod';
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { outputBlob } from '#shared/fields/blob.ts';
import { grantTokens, keyId } from '#shared/fields/key-id.ts';
import { requireMaterial } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';
import { handleOf } from '#shared/repositories/key-reader.ts';

export const GetPublicKey = defineOperation({
  name: 'GetPublicKey',
  group: 'Cryptography',
  summary: 'Gives the public half of an asymmetric key.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/public-key' },
  input: z.object({ KeyId: keyId(), GrantTokens: grantTokens() }),
  output: z.object({
    KeyId: z.string(),
    PublicKey: outputBlob(),
    CustomerMasterKeySpec: z.string(),
    KeySpec: z.string(),
    KeyUsage: z.string(),
    EncryptionAlgorithms: z.array(z.string()).optional(),
    SigningAlgorithms: z.array(z.string()).optional(),
    KeyAgreementAlgorithms: z.array(z.string()).optional(),
    EncapsulationAlgorithms: z.array(z.string()).optional(),
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['signer'],
  errors: ['UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(ctx) {
    const { kind } = describeKeySpec(ctx.keys.key.record.keySpec);
    // AWS sends no message here.
    if (kind === 'aes' || kind === 'hmac') throw ctx.error('UnsupportedOperationException');
  },

  async run(ctx) {
    const { key } = ctx.keys;
    const { keySpec, keyUsage, currentVersion } = key.record;
    const spec = describeKeySpec(keySpec);
    const publicKey = await ctx.ports.signer.getPublicKey(handleOf(key, currentVersion, requireMaterial(key)));
    return {
      KeyId: key.arn,
      PublicKey: publicKey,
      CustomerMasterKeySpec: keySpec,
      KeySpec: keySpec,
      KeyUsage: keyUsage,
      EncryptionAlgorithms: keyUsage === 'ENCRYPT_DECRYPT' ? [...(spec.encryptionAlgorithms ?? [])] : undefined,
      SigningAlgorithms: keyUsage === 'SIGN_VERIFY' ? [...(spec.signingAlgorithms ?? [])] : undefined,
      KeyAgreementAlgorithms: keyUsage === 'KEY_AGREEMENT' ? [...(spec.keyAgreementAlgorithms ?? [])] : undefined,
      EncapsulationAlgorithms: keyUsage === 'ENCAPSULATE_DECAPSULATE' ? [...(spec.encapsulationAlgorithms ?? [])] : undefined,
    };
  },
});
