/** ListBindings: who has which roles, of the account or of one principal. Roles that the configuration gives are not bindings. docs/adr/0017. */
import * as z from 'zod';
import { limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { defineOperation } from '#shared/operation.ts';
import { principal } from '#shared/policy/principal-fields.ts';
import { canonicalPrincipal } from '#shared/policy/principal-names.ts';
import { requireBindable } from '#shared/policy/role-fields.ts';
import type { BindingRecord } from '#shared/repositories/access-records.ts';

const entry = z.object({ Principal: z.string(), PrincipalId: z.string().optional(), Roles: z.array(z.string()), CreationDate: timestamp(), LastUpdatedDate: timestamp() });

const answer = ({ principal: name, principalId, roles, createdAt, updatedAt }: BindingRecord): z.output<typeof entry> => ({
  Principal: name,
  PrincipalId: principalId,
  Roles: [...roles],
  CreationDate: new Date(createdAt),
  LastUpdatedDate: new Date(updatedAt),
});

export const ListBindings = defineOperation({
  name: 'ListBindings',
  group: 'Access',
  summary: 'Lists who has which roles.',
  http: { method: 'GET', path: '/v1/bindings' },
  wire: false,
  input: z.object({ Principal: principal().optional(), Limit: limit(100), Marker: marker() }),
  output: z.object({ Bindings: z.array(entry), ...pageOutput }),
  lists: ['bindings'],
  needs: ['roles'],
  errors: ['InvalidMarkerException', 'ValidationException'],
  audit: (input) => ({ principal: input.Principal ?? null }),

  check(ctx, input) {
    if (input.Principal !== undefined) requireBindable(input.Principal, ctx.caller.account);
  },

  async run(ctx, input) {
    const from = readMarker('ListBindings', input.Marker);
    if (input.Principal !== undefined) {
      const found = await ctx.ports.roles.binding(canonicalPrincipal(input.Principal));
      return { Bindings: found === undefined ? [] : [answer(found.record)], Truncated: false };
    }
    const { records, next } = await ctx.ports.roles.bindings(ctx.caller.account, input.Limit ?? 50, from);
    return { Bindings: records.map(answer), ...pageEnd('ListBindings', next) };
  },
});
