/** UpdateRole: another document or description for a custom role; it counts from the next request of everybody who is bound to it. docs/adr/0017. */
import * as z from 'zod';
import { defineOperation } from '#shared/operation.ts';
import { builtInRole } from '#shared/policy/built-in-roles.ts';
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { identityDocument, roleArn, roleDescription, roleName } from '#shared/policy/role-fields.ts';
import { putRole } from '#shared/repositories/access-records.ts';

export const UpdateRole = defineOperation({
  name: 'UpdateRole',
  group: 'Access',
  summary: 'Replaces the document or the description of a custom role.',
  http: { method: 'PATCH', path: '/v1/roles/{RoleName}' },
  wire: false,
  input: z.object({ RoleName: roleName(), Document: identityDocument().optional(), Description: roleDescription().optional() }),
  output: undefined,
  resources: (input, owner) => [{ arn: roleArn(owner, input.RoleName) }],
  changes: ['role'],
  needs: ['committer', 'roles'],
  errors: ['ConflictException', 'LimitExceededException', 'MalformedPolicyDocumentException', 'NotFoundException'],
  audit: (input) => ({ roleName: input.RoleName, document: input.Document !== undefined, description: input.Description !== undefined }),

  check(ctx, input) {
    if (input.Document !== undefined) compilePolicy(input.Document, 'identity');
    if (builtInRole(input.RoleName) !== undefined) throw ctx.error('ConflictException', `The role ${input.RoleName} is built in and cannot be changed.`);
  },

  async run(ctx, input) {
    const found = await ctx.ports.roles.role(ctx.caller.account, input.RoleName);
    if (found === undefined) throw ctx.error('NotFoundException', `Role ${input.RoleName} is not found.`);
    const { record, rev } = found;
    const changed = { ...record, document: input.Document ?? record.document, description: input.Description ?? record.description, updatedAt: ctx.now };
    await ctx.ports.committer.commit([putRole(changed, rev)], [{ arn: roleArn(ctx, record.name), role: 'role' }]);
    return undefined;
  },
});
