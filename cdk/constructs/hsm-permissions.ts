/** Who may do what to the cluster. The reconciler holds no right to delete, untag or modify; deletion is a role of its own that asks for MFA. */
import { Duration, type Stack } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { ArnPrincipal, CompositePrincipal, PolicyDocument, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { deploymentTag } from '#shared/cloudhsm/tags.ts';

const clusters = (stack: Stack) => stack.formatArn({ service: 'cloudhsm', resource: 'cluster', resourceName: '*' });
/** @param region of the copies, when they are meant */
export const backupArns = (stack: Stack, region?: string) =>
  stack.formatArn({ service: 'cloudhsm', resource: 'backup', resourceName: '*', ...(region === undefined ? {} : { region }) });

/** Lists know no resource. */
export const lookStatement = (...actions: ('cloudhsm:DescribeClusters' | 'cloudhsm:DescribeBackups')[]): PolicyStatement => new PolicyStatement({ actions, resources: ['*'] });

/** What making and keeping a cluster takes (CloudHSM user guide, "Identity and access management", less everything that deletes). */
export function keeperStatements(stack: Stack, deployment: string, vpc: IVpc): PolicyStatement[] {
  const own = { [`aws:ResourceTag/${deploymentTag}`]: deployment };
  const asOwn = { [`aws:RequestTag/${deploymentTag}`]: deployment };
  const serviceRole = 'aws-service-role/cloudhsm.amazonaws.com/AWSServiceRoleForCloudHSM';
  return [
    lookStatement('cloudhsm:DescribeClusters', 'cloudhsm:DescribeBackups'),
    // A new cluster has no ARN yet; it must carry the deployment's tag from the start.
    new PolicyStatement({ actions: ['cloudhsm:CreateCluster'], resources: ['*'], conditions: { StringEquals: asOwn } }),
    new PolicyStatement({ actions: ['cloudhsm:TagResource'], resources: [clusters(stack)], conditions: { StringEquals: asOwn } }),
    new PolicyStatement({ actions: ['cloudhsm:CreateHsm', 'cloudhsm:InitializeCluster'], resources: [clusters(stack)], conditions: { StringEquals: own } }),
    // CloudHSM looks at the network and makes the cluster's security group in the name of its caller.
    new PolicyStatement({ actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'], resources: ['*'] }),
    new PolicyStatement({
      actions: ['ec2:CreateNetworkInterface', 'ec2:CreateSecurityGroup', 'ec2:AuthorizeSecurityGroupEgress', 'ec2:AuthorizeSecurityGroupIngress', 'ec2:RevokeSecurityGroupEgress'],
      resources: ['network-interface', 'security-group', 'subnet'].map((resource) => stack.formatArn({ service: 'ec2', resource, resourceName: '*' })),
      conditions: { ArnEqualsIfExists: { 'ec2:Vpc': vpcArn(stack, vpc) } },
    }),
    new PolicyStatement({ actions: ['ec2:CreateSecurityGroup'], resources: [vpcArn(stack, vpc)] }),
    new PolicyStatement({
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: serviceRole })],
      conditions: { StringEquals: { 'iam:AWSServiceName': 'cloudhsm.amazonaws.com' } },
    }),
  ];
}

/** The guardian of backups: look, copy, keep. `ModifyBackupAttributes` could also let a kept backup expire, which its age and the trail of CloudTrail would show. */
export function guardianStatements(stack: Stack, secondRegion: string | undefined): PolicyStatement[] {
  const copies = secondRegion === undefined ? [] : [backupArns(stack, secondRegion)];
  return [
    lookStatement('cloudhsm:DescribeClusters', 'cloudhsm:DescribeBackups'),
    new PolicyStatement({ actions: ['cloudhsm:ModifyBackupAttributes'], resources: [backupArns(stack), ...copies] }),
    ...(copies.length === 0 ? [] : [new PolicyStatement({ actions: ['cloudhsm:CopyBackupToRegion', 'cloudhsm:TagResource'], resources: [backupArns(stack), ...copies] })]),
  ];
}

/**
 * The only role that may delete. Its trust names the principals and asks for MFA of this hour: sessions of AssumeRole carry no MFA themselves, so it cannot be
 * asked for anywhere but here.
 */
export function breakGlassRole(scope: Construct, stack: Stack, deployment: string, principals: readonly string[]): Role {
  const own = { StringEquals: { [`aws:ResourceTag/${deploymentTag}`]: deployment } };
  return new Role(scope, 'BreakGlassRole', {
    description: 'Deletes HSMs, clusters and backups of CloudHSM, by hand. Nothing of the deployment uses it.',
    maxSessionDuration: Duration.hours(1),
    assumedBy: new CompositePrincipal(...principals.map((arn) => new ArnPrincipal(arn))).withConditions({
      Bool: { 'aws:MultiFactorAuthPresent': 'true' },
      NumericLessThan: { 'aws:MultiFactorAuthAge': '3600' },
    }),
    inlinePolicies: {
      deletion: new PolicyDocument({
        minimize: false,
        statements: [
          lookStatement('cloudhsm:DescribeClusters', 'cloudhsm:DescribeBackups'),
          new PolicyStatement({ actions: ['cloudhsm:DeleteHsm', 'cloudhsm:DeleteCluster'], resources: [clusters(stack)], conditions: own }),
          // Automatic backups carry no tag; which ones are meant is for the person who deletes.
          new PolicyStatement({ actions: ['cloudhsm:DeleteBackup', 'cloudhsm:RestoreBackup'], resources: [backupArns(stack)] }),
        ],
      }),
    },
  });
}

const vpcArn = (stack: Stack, vpc: IVpc): string => stack.formatArn({ service: 'ec2', resource: 'vpc', resourceName: vpc.vpcId });
