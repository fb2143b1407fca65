/** ListRoles: the built-in roles, then the account's own. docs/adr/0017. */
import * as z from 'zod';
import { invalidMarker, limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { defineOperation } from '#shared/operation.ts';
import { builtInRoles } from '#shared/policy/built-in-roles.ts';
import { roleEntry } from '#shared/policy/role-fields.ts';

const builtIns = Object.entries(builtInRoles).map(([RoleName, { description }]) => ({ RoleName, Description: description, BuiltIn: true }));

export const ListRoles = defineOperation({
  name: 'ListRoles',
  group: 'Access',
  summary: "Lists the built-in roles and the account's own.",
  http: { method: 'GET', path: '/v1/roles' },
  wire: false,
  input: z.object({ Limit: limit(100), Marker: marker() }),
  output: z.object({ Roles: z.array(roleEntry.omit({ Document: true })), ...pageOutput }),
  lists: ['roles'],
  needs: ['roles'],
  errors: ['InvalidMarkerException'],
  audit: () => ({}),

  async run(ctx, input) {
    const size = input.Limit ?? 50;
    const { skip, after } = readPosition(readMarker('ListRoles', input.Marker));
    const shown = builtIns.slice(skip, skip + size);
    if (shown.length === size) return { Roles: shown, ...pageEnd('ListRoles', `b${skip + size}`) };
    const { records, next } = await ctx.ports.roles.roles(ctx.caller.account, size - shown.length, after);
    const own = records.map(({ name, description, createdAt, updatedAt }) => ({
      RoleName: name,
      Description: description,
      BuiltIn: false,
      CreationDate: new Date(createdAt),
      LastUpdatedDate: new Date(updatedAt),
    }));
    return { Roles: [...shown, ...own], ...pageEnd('ListRoles', next === undefined ? undefined : `c${next}`) };
  },
});

/** How many built-in roles were shown, and the last own role that was. @throws KmsError InvalidMarkerException */
function readPosition(position: string | undefined): { skip: number; after: string | undefined } {
  if (position === undefined) return { skip: 0, after: undefined };
  if (/^b[0-9]{1,3}$/.test(position)) return { skip: Number(position.slice(1)), after: undefined };
  if (/^c[\w+=,.@-]{1,64}$/.test(position)) return { skip: builtIns.length, after: position.slice(1) };
  throw invalidMarker();
}
