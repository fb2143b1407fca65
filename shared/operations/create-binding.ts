/** CreateBinding: gives a principal of the account a role. docs/adr/0017. */
import * as z from 'zod';
import { defineOperation } from '#shared/operation.ts';
import { builtInRole } from '#shared/policy/built-in-roles.ts';
import { principal } from '#shared/policy/principal-fields.ts';
import { canonicalPrincipal } from '#shared/policy/principal-names.ts';
import { principalId, requireBindable, roleArn, roleName } from '#shared/policy/role-fields.ts';
import { type BindingRecord, putBinding, putRole } from '#shared/repositories/access-records.ts';

/** Every one of them is read with each request of the principal. */
const rolesPerPrincipalMax = 10;

export const CreateBinding = defineOperation({
  name: 'CreateBinding',
  group: 'Access',
  summary: 'Gives a principal of the account a role.',
  http: { method: 'POST', path: '/v1/bindings' },
  wire: false,
  input: z.object({ Principal: principal(), PrincipalId: principalId().optional(), RoleName: roleName() }),
  output: undefined,
  resources: (input, owner) => [{ arn: roleArn(owner, input.RoleName) }],
  changes: ['binding', 'role'],
  needs: ['committer', 'roles'],
  errors: ['AlreadyExistsException', 'ConflictException', 'LimitExceededException', 'NotFoundException', 'ValidationException'],
  audit: (input) => ({ principal: input.Principal, principalId: input.PrincipalId ?? null, roleName: input.RoleName }),

  check(ctx, input) {
    requireBindable(input.Principal, ctx.caller.account);
  },

  async run(ctx, input) {
    const { account } = ctx.caller;
    const name = canonicalPrincipal(input.Principal);
    const present = await ctx.ports.roles.binding(name);
    if (present?.record.roles.includes(input.RoleName) === true) throw ctx.error('AlreadyExistsException', `${name} has the role ${input.RoleName} already`);
    if (present !== undefined && present.record.principalId !== input.PrincipalId) {
      throw ctx.error('ConflictException', 'The principal has bindings for another unique id. Remove them first.');
    }
    if ((present?.record.roles.length ?? 0) >= rolesPerPrincipalMax) throw ctx.error('LimitExceededException', `A principal can have at most ${rolesPerPrincipalMax} roles.`);
    const role = builtInRole(input.RoleName) === undefined ? await ctx.ports.roles.role(account, input.RoleName) : 'built-in';
    if (role === undefined) throw ctx.error('NotFoundException', `Role ${input.RoleName} is not found.`);
    const binding: BindingRecord = {
      account,
      principal: name,
      ...(input.PrincipalId === undefined ? {} : { principalId: input.PrincipalId }),
      roles: [...(present?.record.roles ?? []), input.RoleName],
      createdAt: present?.record.createdAt ?? ctx.now,
      updatedAt: ctx.now,
    };
    const counted = role === 'built-in' ? [] : [putRole({ ...role.record, bindings: role.record.bindings + 1 }, role.rev)];
    await ctx.ports.committer.commit([putBinding(binding, present?.rev ?? 0), ...counted], [{ arn: name, role: 'principal' }]);
    return undefined;
  },
});
