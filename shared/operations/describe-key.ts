/** DescribeKey: what a key is and which state it is in. AWS KMS API Reference, DescribeKey. */
import * as z from 'zod';
import { grantTokens, keyId } from '#shared/fields/key-id.ts';
import { keyMetadata, keyMetadataSchema } from '#shared/keys/key-metadata.ts';
import { defineOperation } from '#shared/operation.ts';

export const DescribeKey = defineOperation({
  name: 'DescribeKey',
  group: 'Keys',
  summary: 'Says what a key is and which state it is in.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}' },
  input: z.object({ KeyId: keyId(), GrantTokens: grantTokens() }),
  output: z.object({ KeyMetadata: keyMetadataSchema }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'any' } }),
  byAlias: true,
  needs: [],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    return { KeyMetadata: keyMetadata(ctx.partition, ctx.keys.key.record, ctx.keys.key.keyStore) };
  },
});
