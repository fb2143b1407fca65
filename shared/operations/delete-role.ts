/** DeleteRole: a custom role that nobody is bound to. docs/adr/0017. */
import * as z from 'zod';
import { defineOperation } from '#shared/operation.ts';
import { builtInRole } from '#shared/policy/built-in-roles.ts';
import { roleArn, roleName } from '#shared/policy/role-fields.ts';
import { deleteRole } from '#shared/repositories/access-records.ts';

export const DeleteRole = defineOperation({
  name: 'DeleteRole',
  group: 'Access',
  summary: 'Removes a custom role that nobody is bound to.',
  http: { method: 'DELETE', path: '/v1/roles/{RoleName}' },
  wire: false,
  input: z.object({ RoleName: roleName() }),
  output: undefined,
  resources: (input, owner) => [{ arn: roleArn(owner, input.RoleName) }],
  removes: ['role'],
  needs: ['committer', 'roles'],
  errors: ['ConflictException', 'NotFoundException'],
  audit: (input) => ({ roleName: input.RoleName }),

  check(ctx, input) {
    if (builtInRole(input.RoleName) !== undefined) throw ctx.error('ConflictException', `The role ${input.RoleName} is built in and cannot be removed.`);
  },

  async run(ctx, input) {
    const found = await ctx.ports.roles.role(ctx.caller.account, input.RoleName);
    if (found === undefined) throw ctx.error('NotFoundException', `Role ${input.RoleName} is not found.`);
    if (found.record.bindings > 0) throw ctx.error('ConflictException', `The role ${input.RoleName} has ${found.record.bindings} bindings. Remove them first.`);
    await ctx.ports.committer.commit([deleteRole(found)], [{ arn: roleArn(ctx, input.RoleName), role: 'role' }]);
    return undefined;
  },
});
