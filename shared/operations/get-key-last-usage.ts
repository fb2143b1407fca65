/** GetKeyLastUsage: the last cryptographic use, at most an hour behind. AWS KMS API Reference, GetKeyLastUsage; docs/adr/0024. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { defineOperation } from '#shared/operation.ts';

export const GetKeyLastUsage = defineOperation({
  name: 'GetKeyLastUsage',
  group: 'Keys',
  summary: 'Says when a key was last used for cryptography, and by which request.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/last-usage' },
  input: z.object({ KeyId: keyId() }),
  output: z.object({
    KeyId: z.string(),
    /** Empty when the key was never used. */
    KeyLastUsage: z.object({
      Operation: z.string().optional(),
      Timestamp: timestamp().optional(),
      /** The eventId of the audit record. */
      CloudTrailEventId: z.string().optional(),
      KmsRequestId: z.string().optional(),
    }),
    TrackingStartDate: timestamp(),
    KeyCreationDate: timestamp(),
  }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['lastUsage'],
  errors: [],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { record } = ctx.keys.key;
    const use = await ctx.ports.lastUsage.last(record);
    const created = new Date(record.createdAt);
    return {
      KeyId: record.keyId,
      KeyLastUsage: use === undefined ? {} : { Operation: use.operation, Timestamp: new Date(use.at), CloudTrailEventId: use.eventId, KmsRequestId: use.requestId },
      // Every key is tracked from its creation on.
      TrackingStartDate: created,
      KeyCreationDate: created,
    };
  },
});
