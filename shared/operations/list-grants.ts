/** ListGrants: the grants on a key. AWS KMS API Reference, ListGrants. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { defineOperation } from '#shared/operation.ts';
import { grantAnswer, grantEntry, grantId, requireGrantId } from '#shared/policy/grant-fields.ts';
import { principal, servicePrincipal } from '#shared/policy/principal-fields.ts';
import { canonicalPrincipal } from '#shared/policy/principal-names.ts';

export const ListGrants = defineOperation({
  name: 'ListGrants',
  group: 'Grants',
  summary: 'Lists the grants on a key.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/grants' },
  input: z.object({
    Limit: limit(100),
    Marker: marker(),
    KeyId: keyId(),
    GrantId: grantId().optional(),
    GranteePrincipal: principal().optional(),
    GranteeServicePrincipal: servicePrincipal().optional(),
  }),
  output: z.object({ Grants: z.array(grantEntry), ...pageOutput }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['grants'],
  errors: ['InvalidGrantIdException', 'InvalidMarkerException', 'ValidationException'],
  audit: (input) => ({ keyId: input.KeyId, grantId: input.GrantId ?? null, grantee: input.GranteePrincipal ?? input.GranteeServicePrincipal ?? null }),

  check(ctx, input) {
    if (input.GranteePrincipal !== undefined && input.GranteeServicePrincipal !== undefined) {
      throw ctx.error('ValidationException', 'Specify either GranteePrincipal or GranteeServicePrincipal, but not both.');
    }
  },

  async run(ctx, input) {
    const { record } = ctx.keys.key;
    const { grants } = ctx.ports;
    const given = input.GranteePrincipal ?? input.GranteeServicePrincipal;
    const grantee = given === undefined ? undefined : canonicalPrincipal(given);
    const list = `ListGrants/${record.keyId}/${grantee ?? ''}`;
    const from = readMarker(list, input.Marker);
    const size = input.Limit ?? 50;
    if (input.GrantId !== undefined) {
      requireGrantId(input.GrantId);
      const grant = await grants.get(record, input.GrantId);
      const isWanted = grant !== undefined && (grantee === undefined || grant.grantee === grantee);
      return { Grants: isWanted ? [grantAnswer(ctx.partition, grant)] : [], Truncated: false };
    }
    if (grantee === undefined) {
      const { records, next } = await grants.list(record, size, from);
      return { Grants: records.map((grant) => grantAnswer(ctx.partition, grant)), ...pageEnd(list, next) };
    }
    const sorted = (await grants.ofGrantee(record, grantee)).record.toSorted((a, b) => (a.grantId < b.grantId ? -1 : 1));
    const rest = from === undefined ? sorted : sorted.filter((grant) => grant.grantId > from);
    const page = rest.slice(0, size);
    return { Grants: page.map((grant) => grantAnswer(ctx.partition, grant)), ...pageEnd(list, rest.length > size ? page.at(-1)?.grantId : undefined) };
  },
});
