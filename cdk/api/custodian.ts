/**
 * The role for destructive routes. AssumeRole's credentials say nothing about MFA, so a condition on the API could not see it: the role's trust asks for it, and
 * the API lets nobody but the role through.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, ArnPrincipal, type CfnRole, PolicyDocument, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Operation } from '#shared/operation.ts';
import { destructiveOperations } from '#shared/policy/destructive-operations.ts';
import type { ApiConfig } from '../config/api-config.ts';
import { invokePath, operationsNamed, stageName } from './routes.ts';

/** What somebody needs to see before destroying, and to undo it. */
const around = ['CancelKeyDeletion', 'DescribeKey', 'GetKeyLastUsage', 'ListKeys', 'ListResourceTags'];

const maxAgeSeconds = 3600;

export const custodianRoleName = (deployment: string): string => `${deployment}-custodian`;
/** By name and not by reference: the API's policy names the role, and the role's policy names the API. */
export const custodianRoleArn = (stack: Stack, deployment: string): string =>
  stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: custodianRoleName(deployment) });

export interface CustodianRoleProps {
  readonly deployment: string;
  readonly principals: NonNullable<ApiConfig['custodian']>['principals'];
  readonly apiId: string;
}

export function custodianRole(scope: Construct, { deployment, principals, apiId }: CustodianRoleProps): Role {
  const route = ({ http }: Operation) => Stack.of(scope).formatArn({ service: 'execute-api', resource: apiId, resourceName: `${stageName}/${invokePath(http)}` });
  const reachable = operationsNamed([...destructiveOperations, ...around]).map(route);
  const role = new Role(scope, 'Custodian', {
    roleName: custodianRoleName(deployment),
    description: 'Assumed with MFA for an hour at most. The only role that reaches the destructive routes of the API.',
    maxSessionDuration: Duration.seconds(maxAgeSeconds),
    assumedBy: new AccountRootPrincipal(),
    inlinePolicies: { routes: new PolicyDocument({ statements: [new PolicyStatement({ actions: ['execute-api:Invoke'], resources: reachable })] }) },
  });
  const trusted = principals.length === 0 ? [new AccountRootPrincipal()] : principals.map((arn) => new ArnPrincipal(arn));
  const document = new PolicyDocument({
    statements: [
      new PolicyStatement({
        actions: ['sts:AssumeRole'],
        principals: trusted,
        // Bool and NumericLessThan on an absent key are false: no MFA, no role.
        conditions: { Bool: { 'aws:MultiFactorAuthPresent': 'true' }, NumericLessThan: { 'aws:MultiFactorAuthAge': String(maxAgeSeconds) } },
      }),
    ],
  });
  // The construct has no way to give conditions on several principals at once.
  (role.node.defaultChild as CfnRole).assumeRolePolicyDocument = document;
  return role;
}
