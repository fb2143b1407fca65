/** DeleteBinding: takes a role from a principal. docs/adr/0017. */
import * as z from 'zod';
import { defineOperation } from '#shared/operation.ts';
import { builtInRole } from '#shared/policy/built-in-roles.ts';
import { principal } from '#shared/policy/principal-fields.ts';
import { canonicalPrincipal } from '#shared/policy/principal-names.ts';
import { requireBindable, roleArn, roleName } from '#shared/policy/role-fields.ts';
import { deleteBinding, putBinding, putRole } from '#shared/repositories/access-records.ts';

export const DeleteBinding = defineOperation({
  name: 'DeleteBinding',
  group: 'Access',
  summary: 'Takes a role from a principal.',
  http: { method: 'DELETE', path: '/v1/bindings' },
  wire: false,
  input: z.object({ Principal: principal(), RoleName: roleName() }),
  output: undefined,
  resources: (input, owner) => [{ arn: roleArn(owner, input.RoleName) }],
  changes: ['binding', 'role'],
  removes: ['binding'],
  needs: ['committer', 'roles'],
  errors: ['NotFoundException', 'ValidationException'],
  audit: (input) => ({ principal: input.Principal, roleName: input.RoleName }),

  check(ctx, input) {
    requireBindable(input.Principal, ctx.caller.account);
  },

  async run(ctx, input) {
    const name = canonicalPrincipal(input.Principal);
    const present = await ctx.ports.roles.binding(name);
    if (present?.record.roles.includes(input.RoleName) !== true) throw ctx.error('NotFoundException', `${name} does not have the role ${input.RoleName}.`);
    const roles = present.record.roles.filter((role) => role !== input.RoleName);
    const role = builtInRole(input.RoleName) === undefined ? await ctx.ports.roles.role(ctx.caller.account, input.RoleName) : undefined;
    const counted = role === undefined ? [] : [putRole({ ...role.record, bindings: role.record.bindings - 1 }, role.rev)];
    const changed = roles.length === 0 ? deleteBinding(present) : putBinding({ ...present.record, roles, updatedAt: ctx.now }, present.rev);
    await ctx.ports.committer.commit([changed, ...counted], [{ arn: name, role: 'principal' }]);
    return undefined;
  },
});
