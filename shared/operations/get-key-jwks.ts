/** GetKeyJwks: the current and the retiring public keys as a JSON Web Key Set, newest first. RFC 7517; not in AWS KMS; docs/adr/0025. */
import * as z from 'zod';
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { encryptionAlgorithmEnum, signingAlgorithmEnum } from '#shared/fields/enums.ts';
import { grantTokens, keyId } from '#shared/fields/key-id.ts';
import { acceptedHandles, allOf } from '#shared/keys/any-version.ts';
import { materialIdOf } from '#shared/keys/imported.ts';
import { jsonWebKey, publicAlgorithmsOf } from '#shared/keys/json-web-key.ts';
import { defineOperation } from '#shared/operation.ts';

export const GetKeyJwks = defineOperation({
  name: 'GetKeyJwks',
  group: 'Rotation',
  summary: 'Gives the current and retiring public keys as a JSON Web Key Set.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/jwks.json' },
  wire: false,
  input: z.object({
    KeyId: keyId(),
    /** What the set is for, so that an RSA key, which has several algorithms, can say `alg`. */
    Algorithm: z.enum([...signingAlgorithmEnum().options, ...encryptionAlgorithmEnum().options]).optional(),
    GrantTokens: grantTokens(),
  }),
  /** Members of the set as RFC 7517 names them. */
  output: z.object({ keys: z.array(z.record(z.string(), z.string())) }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any', accepted: true } }),
  permissions: { key: 'kms:GetPublicKey' },
  material: true,
  byAlias: true,
  needs: ['signer'],
  errors: ['InvalidKeyUsageException', 'UnsupportedOperationException'],
  audit: (input) => ({ keyId: input.KeyId, algorithm: input.Algorithm ?? null }),

  check(ctx, input) {
    const { key } = ctx.keys;
    const { kind } = describeKeySpec(key.record.keySpec);
    if (kind === 'aes' || kind === 'hmac') throw ctx.error('UnsupportedOperationException', `${key.arn} has no public half.`);
    if (input.Algorithm !== undefined && !publicAlgorithmsOf(key.record).includes(input.Algorithm)) {
      throw ctx.error('InvalidKeyUsageException', `Algorithm ${input.Algorithm} is incompatible with key spec ${key.record.keySpec}.`);
    }
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const handles = acceptedHandles(key);
    const publicKeys = await allOf<Uint8Array>(
      ctx.ports.signer,
      handles.map((handle) => ({ name: 'getPublicKey', parameters: [handle] })),
    );
    return { keys: handles.map(({ binding }, at) => jsonWebKey(key.record, materialIdOf(key.record, binding.version) ?? binding.keyId, publicKeys[at]!, input.Algorithm)) };
  },
});
