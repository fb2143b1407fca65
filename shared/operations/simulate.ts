/** Simulate: would this be allowed, and what decided? For those who may ask. docs/adr/0018. */
import * as z from 'zod';
import { encryptionContext } from '#shared/fields/encryption-context.ts';
import { keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';
import type { Ground } from '#shared/policy/decide.ts';
import { principal, requirePrincipalArn } from '#shared/policy/principal-fields.ts';
import { accountOfArn } from '#shared/policy/principal-names.ts';
import { principalId } from '#shared/policy/role-fields.ts';

const contextEntry = z.object({
  Key: z.string().min(1).max(256),
  Values: z
    .array(z.string().max(2048).meta({ sensitive: true }))
    .min(1)
    .max(50),
});
const ground = z.object({ Source: z.enum(['KeyPolicy', 'Role', 'Grant', 'AccountRoot', 'WorkBound']), Name: z.string().optional(), Statement: z.string().optional() });

const outcomes = { allowed: 'allowed', denied: 'implicitDeny', 'explicitly-denied': 'explicitDeny' } as const;

export const Simulate = defineOperation({
  name: 'Simulate',
  group: 'Access',
  summary: 'Says whether a principal would be allowed to do something, and by which statement or grant.',
  http: { method: 'POST', path: '/v1/simulate' },
  wire: false,
  input: z.object({
    Principal: principal(),
    PrincipalId: principalId().optional(),
    Action: z
      .string()
      .max(128)
      .regex(/^(?:kms|chatelaine):[A-Za-z]+$/),
    KeyId: keyId().optional(),
    Resource: z.string().min(1).max(2048).optional(),
    EncryptionContext: encryptionContext(),
    Context: z.array(contextEntry).max(50).optional(),
  }),
  output: z.object({ Decision: z.enum(['allowed', 'implicitDeny', 'explicitDeny']), DecidedBy: z.array(ground), PrincipalDocumentsKnown: z.boolean() }),
  keys: (input): Record<string, { identifier: string; accepts: 'any' }> => (input.KeyId === undefined ? {} : { key: { identifier: input.KeyId, accepts: 'any' } }),
  authorization: 'identity',
  byAlias: true,
  needs: ['simulator'],
  errors: ['InvalidArnException', 'ValidationException'],
  audit: (input) => ({ principal: input.Principal, action: input.Action, keyId: input.KeyId ?? null, resource: input.Resource ?? null }),

  check(ctx, input) {
    requirePrincipalArn(input.Principal);
    if (input.KeyId !== undefined && input.Resource !== undefined) throw ctx.error('ValidationException', 'Specify either KeyId or Resource.');
    if (input.KeyId === undefined && accountOfArn(input.Principal) !== ctx.caller.account) {
      throw ctx.error('ValidationException', 'Without a key, only principals of your own account can be asked about.');
    }
  },

  async run(ctx, input) {
    const account = accountOfArn(input.Principal)!;
    const isOwn = account === ctx.caller.account;
    const decision = await ctx.ports.simulator.decide({
      principal: { account, region: ctx.caller.region, principalArn: input.Principal, principalId: input.PrincipalId ?? '' },
      action: input.Action,
      key: ctx.keys.key,
      resource: input.Resource ?? '*',
      facts: new Map((input.Context ?? []).map(({ Key, Values }) => [Key.toLowerCase(), Values.length === 1 ? Values[0] : Values])),
      encryptionContext: input.EncryptionContext ?? {},
      withDocuments: isOwn,
      now: ctx.now,
    });
    return { Decision: outcomes[decision.outcome], DecidedBy: decision.grounds.map(answer), PrincipalDocumentsKnown: isOwn };
  },
});

function answer(by: Ground): z.output<typeof ground> {
  switch (by.source) {
    case 'key-policy':
      return { Source: 'KeyPolicy', Statement: by.statement };
    case 'role':
      return { Source: 'Role', Name: by.role, Statement: by.statement };
    case 'grant':
      return { Source: 'Grant', Name: by.grantId };
    case 'account-root':
      return { Source: 'AccountRoot' };
    case 'work-bound':
      return { Source: 'WorkBound' };
  }
}
