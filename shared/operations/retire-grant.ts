/** RetireGrant: ends a grant, by those whom the grant itself allows to. AWS KMS API Reference, RetireGrant. */
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import { dryRun, grantToken, keyId } from '#shared/fields/key-id.ts';
import { defineOperation } from '#shared/operation.ts';
import { deniedAction } from '#shared/policy/authorize.ts';
import { grantId, requireGrantId } from '#shared/policy/grant-fields.ts';
import { readToken } from '#shared/policy/grant-token.ts';
import { mayRetire } from '#shared/policy/retire.ts';
import { removeGrant } from '#shared/repositories/access-records.ts';
import type { KeyReference } from '#shared/repositories/key-reader.ts';

/** The pipeline has checked the token's seal before anything was looked up. */
function wantedGrant(input: {
  GrantToken?: string | undefined;
  KeyId?: string | undefined;
  GrantId?: string | undefined;
}): Pick<KeyReference, 'identifier' | 'owner'> & { grantId: string } {
  const byToken = input.GrantToken !== undefined;
  const byId = input.KeyId !== undefined && input.GrantId !== undefined;
  const isOneWay = byToken ? input.KeyId === undefined && input.GrantId === undefined : byId;
  if (!isOneWay) throw new KmsError('ValidationException', 'Specify either a grant token, or a key ARN together with a grant id.');
  if (!byToken) {
    // Here and not in check(): a key that exists must not be told from one that does not by what a malformed id is answered.
    requireGrantId(input.GrantId!);
    return { identifier: input.KeyId!, grantId: input.GrantId! };
  }
  const { account, region, keyId: identifier, grantId } = readToken(input.GrantToken!).grant;
  return { identifier, owner: { account, region }, grantId };
}

const notFound = (wanted: string): KmsError => new KmsError('NotFoundException', `Grant ID ${wanted} not found`);

export const RetireGrant = defineOperation({
  name: 'RetireGrant',
  group: 'Grants',
  summary: 'Ends a grant, as its retiring principal or grantee.',
  http: { method: 'POST', path: '/v1/retire-grant' },
  input: z.object({ GrantToken: grantToken().optional(), KeyId: keyId().optional(), GrantId: grantId().optional(), DryRun: dryRun() }),
  output: undefined,
  keys: (input) => {
    const { grantId: _, ...named } = wantedGrant(input);
    return { key: { ...named, accepts: 'key' } };
  },
  authorization: 'own',
  dryRun: 'own',
  changes: ['key'],
  removes: ['key'],
  needs: ['committer', 'grants'],
  errors: ['DryRunOperationException', 'InvalidGrantIdException', 'InvalidGrantTokenException', 'NotFoundException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId ?? null, grantId: input.GrantId ?? null, byToken: input.GrantToken !== undefined, dryRun: input.DryRun ?? false }),

  async run(ctx, input) {
    const { key } = ctx.keys;
    const wanted = wantedGrant(input).grantId;
    const grant = await ctx.ports.grants.get(key.record, wanted);
    // Who holds a token knows of the grant, so that a second attempt to retire it may be told that the first was enough.
    if (grant === undefined && input.GrantToken !== undefined) throw notFound(wanted);
    const standing = mayRetire(ctx, key, grant);
    if (standing === 'no') throw deniedAction(ctx, 'kms:RetireGrant', key);
    if (grant === undefined) throw notFound(wanted);
    if (input.DryRun === true) throw ctx.error('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.');
    const present = await ctx.ports.grants.surroundings(key.record, grant.grantee);
    await ctx.ports.committer.commit(removeGrant(grant, present));
    return undefined;
  },
});
