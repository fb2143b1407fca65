/**
 * Who may call the API at all. Callers of the own account need `execute-api:Invoke` in their own policies; the statement for the account only makes room for
 * them. Callers of other accounts need both. Changing the policy makes a new deployment of the stage, without which it would not hold.
 */
import type { Stack } from 'aws-cdk-lib';
import { AccountPrincipal, AccountRootPrincipal, AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { destructiveOperations } from '#shared/policy/destructive-operations.ts';
import type { ApiConfig } from '../config/api-config.ts';
import { custodianRoleArn } from './custodian.ts';
import { invokePath, operationsNamed, stageName } from './routes.ts';

export interface ResourcePolicyProps {
  readonly stack: Stack;
  readonly deployment: string;
  readonly api: ApiConfig;
  /** execute-api endpoints through which a private API is reached. */
  readonly vpcEndpointIds: readonly string[];
}

const invoke = { actions: ['execute-api:Invoke'] };
const everyRoute = ['execute-api:/*'];

export function resourcePolicy({ stack, deployment, api, vpcEndpointIds }: ResourcePolicyProps): PolicyDocument {
  if (api.endpoint === 'private' && vpcEndpointIds.length === 0)
    throw new Error('A private API needs a network section or api.vpcEndpointIds: without an endpoint nobody reaches it.');
  const deny = (conditions: Record<string, unknown>, resources = everyRoute) =>
    new PolicyStatement({ effect: Effect.DENY, principals: [new AnyPrincipal()], resources, conditions, ...invoke });
  const statements = [
    new PolicyStatement({ principals: [new AccountRootPrincipal(), ...api.accounts.map((account) => new AccountPrincipal(account))], resources: everyRoute, ...invoke }),
  ];
  if (api.organization !== undefined) {
    // Not for the own account: an allow to everybody would make its principals' own policies needless.
    const conditions = { StringEquals: { 'aws:PrincipalOrgID': api.organization }, StringNotEquals: { 'aws:PrincipalAccount': stack.account } };
    statements.push(new PolicyStatement({ principals: [new AnyPrincipal()], resources: everyRoute, conditions, ...invoke }));
  }
  statements.push(deny({ Bool: { 'aws:SecureTransport': 'false' } }));
  if (api.endpoint === 'private') statements.push(deny({ StringNotEquals: { 'aws:SourceVpce': vpcEndpointIds } }));
  if (api.cidrs.length > 0) statements.push(deny({ NotIpAddress: { 'aws:SourceIp': api.cidrs } }));
  if (api.custodian !== undefined) {
    const routes = operationsNamed(destructiveOperations).map(({ http }) => `execute-api:/${stageName}/${invokePath(http)}`);
    statements.push(deny({ ArnNotEquals: { 'aws:PrincipalArn': custodianRoleArn(stack, deployment) } }, routes));
  }
  return new PolicyDocument({ statements, minimize: false });
}
