/** CreateRole: a custom role, which is an identity document with a name. docs/adr/0017. */
import * as z from 'zod';
import { defineOperation } from '#shared/operation.ts';
import { builtInRole } from '#shared/policy/built-in-roles.ts';
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { identityDocument, roleArn, roleDescription, roleEntry, roleName } from '#shared/policy/role-fields.ts';
import { putRole } from '#shared/repositories/access-records.ts';

export const CreateRole = defineOperation({
  name: 'CreateRole',
  group: 'Access',
  summary: 'Makes a role from an identity document.',
  http: { method: 'POST', path: '/v1/roles' },
  wire: false,
  input: z.object({ RoleName: roleName(), Document: identityDocument(), Description: roleDescription().optional() }),
  output: z.object({ Role: roleEntry }),
  resources: (input, owner) => [{ arn: roleArn(owner, input.RoleName) }],
  changes: ['role'],
  needs: ['committer', 'roles'],
  errors: ['AlreadyExistsException', 'LimitExceededException', 'MalformedPolicyDocumentException'],
  audit: (input) => ({ roleName: input.RoleName }),

  check(_, input) {
    compilePolicy(input.Document, 'identity');
  },

  async run(ctx, input) {
    const { account } = ctx.caller;
    const isTaken = builtInRole(input.RoleName) !== undefined || (await ctx.ports.roles.role(account, input.RoleName)) !== undefined;
    if (isTaken) throw ctx.error('AlreadyExistsException', `A role with the name ${input.RoleName} already exists`);
    const record = { account, name: input.RoleName, description: input.Description ?? '', document: input.Document, bindings: 0, createdAt: ctx.now, updatedAt: ctx.now };
    await ctx.ports.committer.commit([putRole(record, 0)], [{ arn: roleArn(ctx, input.RoleName), role: 'role' }]);
    const at = new Date(ctx.now);
    return { Role: { RoleName: record.name, Description: record.description, BuiltIn: false, CreationDate: at, LastUpdatedDate: at, Document: record.document } };
  },
});
