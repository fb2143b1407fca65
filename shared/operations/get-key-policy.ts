/** GetKeyPolicy: the document exactly as it was put. AWS KMS API Reference, GetKeyPolicy. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { checkPolicyName, onlyPolicyName, policyName } from '#shared/fields/policy-name.ts';
import { defineOperation } from '#shared/operation.ts';

export const GetKeyPolicy = defineOperation({
  name: 'GetKeyPolicy',
  group: 'Policies',
  summary: 'Gives the policy of a key.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/policy' },
  input: z.object({ KeyId: keyId(), PolicyName: policyName() }),
  output: z.object({ Policy: z.string(), PolicyName: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: [],
  errors: ['NotFoundException'],
  audit: (input) => ({ keyId: input.KeyId }),

  check(_, input) {
    checkPolicyName(input.PolicyName);
  },

  async run(ctx) {
    return { Policy: ctx.keys.key.record.policy, PolicyName: onlyPolicyName };
  },
});
