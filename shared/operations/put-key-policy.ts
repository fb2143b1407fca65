/** PutKeyPolicy: replaces the policy of a key. AWS KMS API Reference, PutKeyPolicy. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { checkPolicyName, policyName } from '#shared/fields/policy-name.ts';
import { defineOperation } from '#shared/operation.ts';
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { requireNoLockout } from '#shared/policy/lockout.ts';
import { updateKey } from '#shared/repositories/changes.ts';

export const PutKeyPolicy = defineOperation({
  name: 'PutKeyPolicy',
  group: 'Policies',
  summary: 'Replaces the policy of a key.',
  http: { method: 'PUT', path: '/v1/keys/{KeyId}/policy' },
  input: z.object({
    KeyId: keyId(),
    PolicyName: policyName(),
    Policy: z
      .string()
      .min(1)
      .max(131_072)
      .regex(/^[\t\n\r\u0020-\u00FF]+$/),
    BypassPolicyLockoutSafetyCheck: z.boolean().optional(),
  }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer'],
  errors: ['LimitExceededException', 'MalformedPolicyDocumentException', 'NotFoundException'],
  audit: (input) => ({ keyId: input.KeyId, bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false }),

  check(ctx, input) {
    checkPolicyName(input.PolicyName);
    const policy = compilePolicy(input.Policy, 'key');
    if (input.BypassPolicyLockoutSafetyCheck !== true) requireNoLockout(ctx, ctx.keys.key, policy);
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    await ctx.ports.committer.commit([updateKey(key, { ...key.record, policy: input.Policy })]);
    return undefined;
  },
});
