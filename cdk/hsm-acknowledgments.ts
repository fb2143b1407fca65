/** Findings of the rule packs that come with a CloudHSM cluster, each with its reason. */
import type { Acknowledgment } from './gates/acknowledge.ts';

const expires = '2027-11-30';

const framework = 'Made by the provider framework of the CDK: it invokes the two functions of the steps and nothing else, in all of their versions.';
const noResource = 'DescribeClusters, DescribeBackups, the descriptions of Amazon EC2 and the login to Amazon ECR know no resource; CreateCluster has none before it is done.';
const ownTag = 'The ids of the cluster and of its backups are not known before they are made. Conditions on the tag of the deployment stand beside it where the API has one.';
const madeForCaller = "CloudHSM makes the cluster's security group and network interfaces in the name of its caller, bound to the VPC of the deployment.";
const oneRole = 'The policy belongs to this one role, and goes with it.';
const handedOver =
  'A person changes the password of the crypto officer and takes it into custody; the crypto user is changed by the same hands, because the HSM must learn of it first.';

const at = (id: string, path: string, reason: string): Acknowledgment => ({ id, path: `hsm/${path}`, reason, expires });
const cloudhsm = (resource: string, region = '<AWS::Region>') => `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cloudhsm:${region}:<AWS::AccountId>:${resource}/*]`;
const ec2 = (resource: string) => `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:${resource}/*]`;

/** @param secondRegion of the backups, which stands in the ids of findings */
export const hsmAcknowledgments = (secondRegion: string | undefined): readonly Acknowledgment[] => [
  at('AwsSolutions-IAM5[Resource::*]', '*Role*/Resource', noResource),
  at(cloudhsm('cluster'), '*Role*/Resource', ownTag),
  at(cloudhsm('backup'), '*Role*/Resource', ownTag),
  ...(secondRegion === undefined ? [] : [at(cloudhsm('backup', secondRegion), 'BackupGuardian/Role/Resource', ownTag)]),
  ...['network-interface', 'security-group', 'subnet'].map((resource) => at(ec2(resource), 'Reconcile/Role/Resource', madeForCaller)),
  at(
    'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:*:task/<AdministrationClusterFE188B6C>/*]',
    'Administration/Task/EventsRole/DefaultPolicy/Resource',
    'A task has no name before it runs. The rule tags those of this one cluster.',
  ),
  at('AwsSolutions-ECS2', 'Administration/Task/Resource', 'Names of secrets, and what to do. The task reads the secrets itself, for its step.'),
  at(
    'AwsSolutions-SQS3',
    'DeadLetters/Resource',
    'It is the dead-letter queue of the schedules and of the rule that starts the task, which the rule does not recognise as sources.',
  ),
  at('DynamoDBInBackupPlan', 'Journal/Resource', 'One row of what the reconciler did last. Without it, it starts from what AWS shows.'),
  ...['AdminPassword/Resource', 'KeyOwner/Resource', 'Pin/Resource', 'TrustAnchorSecret', 'ClusterCertificateSecret'].flatMap((path) => [
    ...['AwsSolutions-SMG4', 'SecretsManagerRotationEnabled'].map((id) =>
      at(id, path, path.endsWith('Secret') ? 'A certificate, public, that cannot be changed as long as the cluster lives.' : handedOver),
    ),
  ]),
  at('AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]', 'Steps/Provider/*', framework),
  ...['Function16EAD244', 'ReconcileFunction585E26B3', 'ResourceFunction16EAD244', 'StepsProviderframeworkisComplete614301C3', 'StepsProviderframeworkonTimeout05224A1C'].map(
    (id) => at(`AwsSolutions-IAM5[Resource::<${id}.Arn>:*]`, 'Steps/Provider/*', framework),
  ),
  at(
    'AwsSolutions-SF1',
    'Steps/Provider/*',
    'The state machine only polls. Every poll is a line in the log of the function that it calls, and its own log has every event without data.',
  ),
  at('AwsSolutions-SF2', 'Steps/Provider/*', 'The state machine only polls, for the time of a deployment: there is nothing to trace.'),
  at('IAMNoInlinePolicy', '*/DefaultPolicy/Resource', oneRole),
  ...['LambdaConcurrency', 'LambdaDLQ', 'LambdaInsideVPC'].map((id) => at(id, 'Steps/Provider/*', `${framework} It runs during deployments only, and answers CloudFormation.`)),
];
