/** Sign: with the private half of an asymmetric key, inside the HSM or from its sealed seed. AWS KMS API Reference, Sign; FIPS 186-5; FIPS 204. */
import * as z from 'zod';
import { blob, outputBlob } from '#shared/fields/blob.ts';
import { messageTypeEnum, signingAlgorithmEnum } from '#shared/fields/enums.ts';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { requireSigningUse } from '#shared/keys/signing.ts';
import { requireMaterial } from '#shared/keys/usage.ts';
import { currentMaterialId } from '#shared/keys/versions.ts';
import { defineOperation } from '#shared/operation.ts';
import { handleOf } from '#shared/repositories/key-reader.ts';

export const Sign = defineOperation({
  name: 'Sign',
  group: 'Cryptography',
  summary: 'Signs a message or its digest.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/sign' },
  input: z.object({
    KeyId: keyId(),
    Message: blob({ min: 1, max: 4096, sensitive: true }),
    MessageType: messageTypeEnum().optional(),
    GrantTokens: grantTokens(),
    SigningAlgorithm: signingAlgorithmEnum(),
    DryRun: dryRun(),
  }),
  /** KeyMaterialId (beyond AWS KMS) only for keys with versions: the `kid` of the JWK set. */
  output: z.object({ KeyId: z.string(), Signature: outputBlob(), SigningAlgorithm: z.string(), KeyMaterialId: z.string().optional() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  material: true,
  byAlias: true,
  needs: ['signer', 'usage'],
  errors: ['InvalidKeyUsageException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId, signingAlgorithm: input.SigningAlgorithm, messageType: input.MessageType ?? 'RAW', dryRun: input.DryRun ?? false }),

  check(ctx, input) {
    requireSigningUse(ctx, ctx.keys.key, input, 'Sign');
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { algorithm, messageType } = requireSigningUse(ctx, key, input, 'Sign');
    const handle = handleOf(key, key.record.currentVersion, requireMaterial(key));
    const signature = await ctx.ports.signer.sign(handle, algorithm, messageType, input.Message);
    return { KeyId: key.arn, Signature: signature, SigningAlgorithm: algorithm, KeyMaterialId: currentMaterialId(key.record) };
  },
});
