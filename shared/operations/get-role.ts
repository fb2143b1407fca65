/** GetRole: a role and its document, built in or custom. docs/adr/0017. */
import * as z from 'zod';
import { defineOperation } from '#shared/operation.ts';
import { builtInRole } from '#shared/policy/built-in-roles.ts';
import { roleArn, roleEntry, roleName } from '#shared/policy/role-fields.ts';

export const GetRole = defineOperation({
  name: 'GetRole',
  group: 'Access',
  summary: 'Shows a role and its identity document.',
  http: { method: 'GET', path: '/v1/roles/{RoleName}' },
  wire: false,
  input: z.object({ RoleName: roleName() }),
  output: z.object({ Role: roleEntry }),
  resources: (input, owner) => [{ arn: roleArn(owner, input.RoleName) }],
  needs: ['roles'],
  errors: ['NotFoundException'],
  audit: (input) => ({ roleName: input.RoleName }),

  async run(ctx, input) {
    const builtIn = builtInRole(input.RoleName);
    if (builtIn !== undefined) return { Role: { RoleName: input.RoleName, Description: builtIn.description, BuiltIn: true, Document: builtIn.document } };
    const found = await ctx.ports.roles.role(ctx.caller.account, input.RoleName);
    if (found === undefined) throw ctx.error('NotFoundException', `Role ${input.RoleName} is not found.`);
    const { name, description, document, createdAt, updatedAt } = found.record;
    return { Role: { RoleName: name, Description: description, BuiltIn: false, CreationDate: new Date(createdAt), LastUpdatedDate: new Date(updatedAt), Document: document } };
  },
});
