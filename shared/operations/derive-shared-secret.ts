/** DeriveSharedSecret: ECDH with the private half of a key, inside the HSM. AWS KMS API Reference, DeriveSharedSecret; SP 800-56A section 5.7.1.2. */
import * as z from 'zod';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { keyAgreementAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { recipient } from '#shared/fields/recipient.ts';
import { requireKeyAgreementAlgorithm, requireMaterial, requireUsage } from '#shared/keys/usage.ts';
import { defineOperation } from '#shared/operation.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import { handleOf } from '#shared/repositories/key-reader.ts';

export const DeriveSharedSecret = defineOperation({
  name: 'DeriveSharedSecret',
  group: 'Cryptography',
  summary: 'Derives the raw ECDH secret of a key and a public key of the other side.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/derive-shared-secret' },
  input: z.object({
    KeyId: keyId(),
    KeyAgreementAlgorithm: keyAgreementAlgorithmEnum(),
    PublicKey: blob({ min: 1, max: 8192 }),
    GrantTokens: grantTokens(),
    DryRun: dryRun(),
    Recipient: recipient(),
  }),
  output: z.object({
    KeyId: z.string(),
    SharedSecret: outputBlob(true).optional(),
    CiphertextForRecipient: outputBlob().optional(),
    KeyAgreementAlgorithm: z.string(),
    KeyOrigin: z.string(),
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  recipient: 'SharedSecret',
  byAlias: true,
  needs: ['agreement', 'usage'],
  errors: ['InvalidKeyUsageException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId, keyAgreementAlgorithm: input.KeyAgreementAlgorithm, dryRun: input.DryRun ?? false }),

  check(ctx, input) {
    requireUsage(ctx, ctx.keys.key, 'KEY_AGREEMENT', 'DeriveSharedSecret');
    requireKeyAgreementAlgorithm(ctx, ctx.keys.key, input.KeyAgreementAlgorithm);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const handle = handleOf(key, key.record.currentVersion, requireMaterial(key));
    const secret = await ctx.ports.agreement.deriveSharedSecret(handle, input.PublicKey).catch((error: unknown) => {
      // check() leaves the bridge one thing to refuse. Only it can parse keys: shared code holds no cryptography.
      if (!(error instanceof CryptoError) || error.code !== 'invalid-request') throw error;
      throw ctx.error('ValidationException', `PublicKey is not a DER-encoded public key (SubjectPublicKeyInfo) on the curve of key spec ${key.record.keySpec}.`);
    });
    return { KeyId: key.arn, SharedSecret: secret, KeyAgreementAlgorithm: input.KeyAgreementAlgorithm, KeyOrigin: key.record.origin };
  },
});
