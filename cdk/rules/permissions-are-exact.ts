import type { Rule } from './rule.ts';
import { roleStatements } from './statements.ts';

/** Actions for which IAM knows no resource, or none that exists before the call (Service Authorization Reference). */
const withoutResource =
  /^(?:ec2:(?:\w*NetworkInterface\w*|\w*PrivateIpAddresses|Describe\w+|CreateSecurityGroup|CreateTags|GetSecurityGroupsForVpc)|cloudhsm:\w+|ecr:GetAuthorizationToken|cloudwatch:PutMetricData|ssm:DescribeParameters)$/;

export const permissionsAreExact: Rule = {
  name: 'permissions-are-exact',
  because: 'A wildcard gives a stolen role what nobody decided to give it.',
  check: (deployed) =>
    roleStatements(deployed)
      .filter(({ effect }) => effect === 'Allow')
      .flatMap(({ place: at, actions, resources }) => {
        const wide = actions.filter((action) => action.includes('*')).map((action) => ({ at, what: `allows ${action}` }));
        const everywhere = resources.includes('*')
          ? actions.filter((action) => !withoutResource.test(action)).map((action) => ({ at, what: `allows ${action} on everything` }))
          : [];
        return [...wide, ...everywhere];
      }),
};
