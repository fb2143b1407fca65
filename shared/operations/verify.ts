/** Verify: a signature of Sign. A wrong signature is an error, as in AWS KMS. AWS KMS API Reference, Verify; FIPS 186-5. */
import * as z from 'zod';
import { blob } from '#shared/fields/blob.ts';
import { messageTypeEnum, signingAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { acceptedHandles, anyTrue } from '#shared/keys/any-version.ts';
import { requireSigningUse } from '#shared/keys/signing.ts';
import { defineOperation } from '#shared/operation.ts';

export const Verify = defineOperation({
  name: 'Verify',
  group: 'Cryptography',
  summary: 'Verifies a signature.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/verify' },
  input: z.object({
    KeyId: keyId(),
    Message: blob({ min: 1, max: 4096, sensitive: true }),
    MessageType: messageTypeEnum().optional(),
    Signature: blob({ min: 1, max: 6144 }),
    SigningAlgorithm: signingAlgorithmEnum(),
    GrantTokens: grantTokens(),
    DryRun: dryRun(),
  }),
  output: z.object({ KeyId: z.string(), SignatureValid: z.boolean(), SigningAlgorithm: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any', accepted: true } }),
  material: true,
  byAlias: true,
  needs: ['signer', 'usage'],
  errors: ['InvalidKeyUsageException', 'KMSInvalidSignatureException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId, signingAlgorithm: input.SigningAlgorithm, messageType: input.MessageType ?? 'RAW', dryRun: input.DryRun ?? false }),

  check(ctx, input) {
    requireSigningUse(ctx, ctx.keys.key, input, 'Verify');
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { algorithm, messageType } = requireSigningUse(ctx, key, input, 'Verify');
    const isValid = await anyTrue(
      ctx.ports.signer,
      acceptedHandles(key).map((handle) => ({ name: 'verify', parameters: [handle, algorithm, messageType, input.Message, input.Signature] })),
    );
    if (!isValid) throw ctx.error('KMSInvalidSignatureException');
    return { KeyId: key.arn, SignatureValid: true, SigningAlgorithm: algorithm };
  },
});
