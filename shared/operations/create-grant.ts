/** CreateGrant: lets a principal use a key for some operations, beside the key's policy. AWS KMS API Reference, CreateGrant. */
import * as z from 'zod';
import { dryRun, grantTokens, keyId } from '#shared/fields/key-id.ts';
import { newGrantId } from '#shared/ids.ts';
import { defineOperation } from '#shared/operation.ts';
import { type GrantRecord, grantOperationsFor } from '#shared/policy/grant.ts';
import { grantConstraints, grantName, grantOperationList } from '#shared/policy/grant-fields.ts';
import { principal, requirePrincipalArn, servicePrincipal } from '#shared/policy/principal-fields.ts';
import { canonicalPrincipal, isServicePrincipal, rootArn } from '#shared/policy/principal-names.ts';
import { addGrant, countGrants, granteeBytes, granteeBytesMax, grantsPerKeyMax } from '#shared/repositories/access-records.ts';
import { keyRow } from '#shared/repositories/rows.ts';

export const CreateGrant = defineOperation({
  name: 'CreateGrant',
  group: 'Grants',
  summary: 'Lets a principal use a key for the operations named.',
  http: { method: 'POST', path: '/v1/keys/{KeyId}/grants' },
  input: z.object({
    KeyId: keyId(),
    GranteePrincipal: principal().optional(),
    RetiringPrincipal: principal().optional(),
    Operations: grantOperationList(),
    Constraints: grantConstraints().optional(),
    GrantTokens: grantTokens(),
    Name: grantName().optional(),
    DryRun: dryRun(),
    GranteeServicePrincipal: servicePrincipal().optional(),
    RetiringServicePrincipal: servicePrincipal().optional(),
  }),
  output: z.object({ GrantId: z.string(), GrantToken: z.string() }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'grants'],
  errors: ['InvalidArnException', 'LimitExceededException', 'ValidationException'],
  audit: (input) => ({
    keyId: input.KeyId,
    grantee: input.GranteePrincipal ?? input.GranteeServicePrincipal ?? null,
    retiring: input.RetiringPrincipal ?? input.RetiringServicePrincipal ?? null,
    operations: input.Operations,
    constraints: Object.keys(input.Constraints ?? {}),
    name: input.Name ?? null,
    dryRun: input.DryRun ?? false,
  }),

  check(ctx, input) {
    const { record, arn } = ctx.keys.key;
    if ((input.GranteePrincipal === undefined) === (input.GranteeServicePrincipal === undefined)) {
      throw ctx.error('ValidationException', 'Specify either GranteePrincipal or GranteeServicePrincipal.');
    }
    if (input.RetiringPrincipal !== undefined && input.RetiringServicePrincipal !== undefined) {
      throw ctx.error('ValidationException', 'Specify either RetiringPrincipal or RetiringServicePrincipal.');
    }
    for (const given of [input.GranteePrincipal, input.RetiringPrincipal]) if (given !== undefined) requirePrincipalArn(given);
    for (const given of [input.GranteeServicePrincipal, input.RetiringServicePrincipal]) {
      if (given !== undefined && !isServicePrincipal(given)) throw ctx.error('ValidationException', `${given} is not the name of an AWS service.`);
    }
    const hasRetiring = input.RetiringPrincipal !== undefined || input.RetiringServicePrincipal !== undefined;
    if (input.GranteeServicePrincipal !== undefined && (input.Constraints?.SourceArn === undefined || !hasRetiring)) {
      throw ctx.error('ValidationException', 'A grant for a service principal needs the constraint SourceArn and a retiring principal.');
    }
    const suitable: readonly string[] = grantOperationsFor(record);
    const unsuitable = input.Operations.find((operation) => !suitable.includes(operation));
    if (unsuitable !== undefined)
      throw ctx.error('ValidationException', `The operation ${unsuitable} cannot be granted on ${arn}: its key spec is ${record.keySpec} and its usage ${record.keyUsage}.`);
    const hasContext = input.Constraints?.EncryptionContextEquals !== undefined || input.Constraints?.EncryptionContextSubset !== undefined;
    if (hasContext && record.keySpec !== 'SYMMETRIC_DEFAULT') {
      throw ctx.error('ValidationException', 'Encryption-context constraints are for symmetric encryption keys only.');
    }
  },

  async run(ctx, input) {
    const { key } = ctx.keys;
    const { account, region, keyId: id } = key.record;
    const name = { account, region, keyId: id };
    const retiring = input.RetiringPrincipal ?? input.RetiringServicePrincipal;
    const hasConstraints = Object.values(input.Constraints ?? {}).some((value) => value !== undefined);
    const grant: GrantRecord = {
      ...name,
      grantId: newGrantId(),
      // check() has made sure that there is one.
      grantee: canonicalPrincipal(input.GranteePrincipal ?? input.GranteeServicePrincipal ?? ''),
      ...(retiring === undefined ? {} : { retiring: canonicalPrincipal(retiring) }),
      issuingAccount: rootArn(ctx.partition, ctx.caller.account),
      operations: [...new Set(input.Operations)],
      ...(hasConstraints ? { constraints: input.Constraints } : {}),
      ...(input.Name === undefined ? {} : { name: input.Name }),
      createdAt: ctx.now,
    };
    const present = await ctx.ports.grants.surroundings(name, grant.grantee);
    const same = present.grantee.record.find((other) => isSameRequest(other, grant));
    const GrantToken = await ctx.ports.grants.issueToken({ ...name, grantId: same?.grantId ?? grant.grantId });
    if (same !== undefined) return { GrantId: same.grantId, GrantToken };
    if (countGrants(present) >= grantsPerKeyMax) throw ctx.error('LimitExceededException', `A key can have at most ${grantsPerKeyMax} grants.`);
    if (granteeBytes([...present.grantee.record, grant]) > granteeBytesMax) throw ctx.error('LimitExceededException', 'The principal has too many grants on this key.');
    const unchanged = { check: keyRow(key.record), if: { rev: key.rev } };
    await ctx.ports.committer.commit([...addGrant(grant, present), unchanged], [{ arn: `${key.arn}/grant/${grant.grantId}`, role: 'grant' }]);
    return { GrantId: grant.grantId, GrantToken };
  },
});

/** A named request that is sent again means the grant it made the first time. */
function isSameRequest(existing: GrantRecord, wanted: GrantRecord): boolean {
  const pairs = (map: Readonly<Record<string, string>> | undefined) => map && Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const essence = ({ name, retiring, issuingAccount, operations, constraints }: GrantRecord): string =>
    JSON.stringify([
      name,
      retiring ?? null,
      issuingAccount,
      operations.toSorted(),
      pairs(constraints?.EncryptionContextEquals) ?? null,
      pairs(constraints?.EncryptionContextSubset) ?? null,
      constraints?.SourceArn ?? null,
    ]);
  return wanted.name !== undefined && essence(existing) === essence(wanted);
}
