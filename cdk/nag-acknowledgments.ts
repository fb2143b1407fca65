/** Findings of cdk-nag that stay, each with its reason. One register: what is not here fails the synthesis. */
import { type App, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

export interface Acknowledgment {
  readonly id: string;
  /** Construct path below the app, without the deployment's name; absent: everywhere. */
  readonly path?: string;
  readonly reason: string;
}

const certificatesAreIssued =
  'Rotation of a client certificate means issuing a new one, which the certificate authority of the bridge does by writing the secret, not by a rotation function here.';

export const acknowledgments: readonly Acknowledgment[] = [
  { id: 'AwsSolutions-SMG4', path: 'bridge/reader-certificate', reason: certificatesAreIssued },
  { id: 'AwsSolutions-SMG4', path: 'bridge/crypto-certificate', reason: certificatesAreIssued },
  { id: 'AwsSolutions-SMG4', path: 'bridge/lifecycle-certificate', reason: certificatesAreIssued },
  { id: 'AwsSolutions-SMG4', path: 'bridge/rotation-certificate', reason: certificatesAreIssued },
  {
    id: 'AwsSolutions-S1',
    path: 'audit/Archive/Resource',
    reason: 'A second bucket for access logs would need the same lock and the same argument. Access to the archive is seen by CloudTrail data events.',
  },
  {
    id: 'AwsSolutions-IAM5[Resource::<ArchiveDA4CB258.Arn>/audit/*]',
    path: 'audit/Archiver/Role/Resource',
    reason: 'The archiver adds objects whose names follow from their content. It may put them into this folder, and neither read, replace the lock of, nor delete any.',
  },
  {
    id: 'AwsSolutions-IAM5[Resource::<ArchiveDA4CB258.Arn>/alarms/*]',
    path: 'audit/Archiver/Role/Resource',
    reason: 'As for the folder of audit records.',
  },
  {
    id: 'AwsSolutions-APIG2',
    path: 'api/Api/Resource',
    reason: 'A request that API Gateway refuses by itself leaves no audit record. The functions check every member strictly and record the refusal (docs/adr/0014).',
  },
  {
    id: 'AwsSolutions-APIG3',
    path: 'api/Api/DeploymentStage.prod/Resource',
    reason: 'Only signed requests pass the gateway, throttled. A web ACL belongs to the network profile of the deployment and comes with it.',
  },
  {
    id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
    path: 'api/Api/CloudWatchRole/Resource',
    reason: 'The role that API Gateway writes its logs with, one per account and Region. AWS accepts this managed policy and grants it to API Gateway alone.',
  },
  {
    id: 'AwsSolutions-SQS3',
    path: 'lifecycle/OutboxDeadLetters/Resource',
    reason: 'It is the dead-letter queue of the stream and of the schedule, which the rule does not recognise as sources.',
  },
];

/** @returns acknowledgments whose construct is not there: they are stale */
export function acknowledge(app: App, deployment: string, entries: readonly Acknowledgment[]): readonly Acknowledgment[] {
  return entries.filter(({ id, path, reason }) => {
    const construct: IConstruct | undefined = path === undefined ? app : app.node.findAll().find(({ node }) => node.path === `${deployment}-${path}`);
    if (construct === undefined) return true;
    Validations.of(construct).acknowledge({ id, reason });
    return false;
  });
}
