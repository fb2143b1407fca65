/** ListRetirableGrants: the grants that a principal may retire, on keys of any account. AWS KMS API Reference, ListRetirableGrants. */
import * as z from 'zod';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { defineOperation } from '#shared/operation.ts';
import { grantAnswer, grantEntry } from '#shared/policy/grant-fields.ts';
import { principal, requirePrincipalArn, servicePrincipal } from '#shared/policy/principal-fields.ts';
import { accountOfArn, canonicalPrincipal } from '#shared/policy/principal-names.ts';

export const ListRetirableGrants = defineOperation({
  name: 'ListRetirableGrants',
  group: 'Grants',
  summary: 'Lists the grants that a principal of the account may retire.',
  http: { method: 'GET', path: '/v1/retirable-grants' },
  input: z.object({ Limit: limit(100), Marker: marker(), RetiringPrincipal: principal().optional(), RetiringServicePrincipal: servicePrincipal().optional() }),
  output: z.object({ Grants: z.array(grantEntry), ...pageOutput }),
  resources: (input) => [{ arn: input.RetiringPrincipal ?? '*' }],
  lists: ['grants'],
  needs: ['grants'],
  errors: ['InvalidArnException', 'InvalidMarkerException', 'ValidationException'],
  audit: (input) => ({ retiring: input.RetiringPrincipal ?? input.RetiringServicePrincipal ?? null }),

  check(ctx, input) {
    if ((input.RetiringPrincipal === undefined) === (input.RetiringServicePrincipal === undefined)) {
      throw ctx.error('ValidationException', 'Specify either RetiringPrincipal or RetiringServicePrincipal.');
    }
    if (input.RetiringPrincipal === undefined) {
      if (input.RetiringServicePrincipal !== ctx.caller.principalArn) throw ctx.error('ValidationException', 'RetiringServicePrincipal is for the AWS service itself.');
      return;
    }
    requirePrincipalArn(input.RetiringPrincipal);
    if (accountOfArn(input.RetiringPrincipal) !== ctx.caller.account) throw ctx.error('ValidationException', 'The retiring principal must be one of your account.');
  },

  async run(ctx, input) {
    // check() has made sure that there is one.
    const retiring = canonicalPrincipal(input.RetiringPrincipal ?? input.RetiringServicePrincipal ?? '');
    const list = `ListRetirableGrants/${retiring}`;
    const { records, next } = await ctx.ports.grants.retirable(ctx.caller.region, retiring, input.Limit ?? 50, readMarker(list, input.Marker));
    return { Grants: records.map((grant) => grantAnswer(ctx.partition, grant)), ...pageEnd(list, next) };
  },
});
