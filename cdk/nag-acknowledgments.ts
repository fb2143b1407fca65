/**
 * Findings of the rule packs that stay, each with its reason. One register: what is not here fails the synthesis. An entry that meets nothing in any profile
 * fails `npm run synth`, and one whose day has come fails everything: the reason has to be found good again.
 */
import type { Acknowledgment } from './gates/acknowledge.ts';

const nextReview = '2027-11-30';
/** For what a later stack or decision is expected to remove. */
const soon = '2027-05-31';

const certificatesAreIssued =
  'Rotation of a client certificate means issuing a new one, which the certificate authority of the bridge does by writing the secret, not by a rotation function here.';

export const acknowledgments: readonly Acknowledgment[] = [
  { id: 'AwsSolutions-SMG4', path: 'bridge/*-certificate', reason: certificatesAreIssued, expires: nextReview },
  {
    id: 'AwsSolutions-S1',
    path: 'audit/Archive/Resource',
    reason: 'A second bucket for access logs would need the same lock and the same argument. Access to the archive is seen by CloudTrail data events.',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-IAM5[Resource::<ArchiveDA4CB258.Arn>/audit/*]',
    path: 'audit/Archiver/Role/Resource',
    reason: 'The archiver adds objects whose names follow from their content. It may put them into this folder, and neither read, replace the lock of, nor delete any.',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-IAM5[Resource::<ArchiveDA4CB258.Arn>/alarms/*]',
    path: 'audit/Archiver/Role/Resource',
    reason: 'As for the folder of audit records: it may add alarms, and nothing else.',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-APIG2',
    path: 'api/Api/Resource',
    reason: 'A request that API Gateway refuses by itself leaves no audit record. The functions check every member strictly and record the refusal (docs/adr/0014).',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-APIG3',
    path: 'api/Api/DeploymentStage.prod/Resource',
    reason: 'Development profiles do without a web ACL: only signed requests pass the gateway, throttled. Production profiles have one, which a rule of ours checks.',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:*',
    path: 'api/Custodian/Resource',
    reason: 'The id of a key is a member of the path. Which keys a custodian may destroy is decided by the service, by role, key policy and audit.',
    expires: nextReview,
  },
  {
    id: 'IAMNoInlinePolicy',
    path: 'api/Custodian/Resource',
    reason: 'The routes of exactly this API, in a policy that lives and dies with the role.',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
    path: 'api/Api/CloudWatchRole/Resource',
    reason: 'The role that API Gateway writes its logs with, one per account and Region. AWS accepts this managed policy and grants it to API Gateway alone.',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-SQS3',
    path: 'lifecycle/OutboxDeadLetters/Resource',
    reason: 'It is the dead-letter queue of the stream and of the schedule, which the rule does not recognise as sources.',
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-SQS3',
    path: 'observability/EventDeadLetters/Resource',
    reason: 'It is the dead-letter queue of the rule that tells people of alarms, which this rule does not recognise as a source.',
    expires: nextReview,
  },
  // The compliance packs. Their rules are written for accounts in general; what does not hold for a key service stays here with the reason.
  {
    id: 'IAMNoInlinePolicy',
    path: '*Role/Resource',
    reason: 'One role per function with exactly its permissions. An inline policy lives and dies with its role; a managed one could be attached to another.',
    expires: nextReview,
  },
  {
    id: 'LambdaInsideVPC',
    path: '*/Function/Resource',
    reason: 'Without a network section the functions reach AWS only by its own endpoints with TLS, and the bridge by mutual TLS. With one they are inside.',
    expires: nextReview,
  },
  {
    id: 'LambdaConcurrency',
    path: '*/Function/Resource',
    reason: 'Reserving concurrency for each of these functions takes it from all others of the account. The gateway throttles each route, and the queue limits its workers.',
    expires: nextReview,
  },
  {
    id: 'LambdaDLQ',
    path: '*/Function/Resource',
    reason:
      'The setting is for asynchronous invocations. Requests are synchronous; queues, streams and schedules have dead-letter queues of their own, which a rule of ours checks.',
    expires: nextReview,
  },
  {
    id: 'DynamoDBInBackupPlan',
    path: 'data/*Table/Resource',
    reason: 'Point-in-time recovery covers 35 days. Longer backups would outlive destroyed keys and bring revoked privileges back (docs/adr/0004).',
    expires: nextReview,
  },
  { id: 'SecretsManagerRotationEnabled', path: 'bridge/*-certificate', reason: certificatesAreIssued, expires: nextReview },
  {
    id: 'S3BucketLoggingEnabled',
    path: 'audit/Archive/Resource',
    reason: 'A locked bucket cannot take server access logs, and a second one would need the same argument. Access is seen by CloudTrail data events.',
    expires: nextReview,
  },
  {
    id: 'S3BucketReplicationEnabled',
    path: 'audit/Archive/Resource',
    reason: 'Where a second copy may be kept is a decision of the owner about another Region and account; the digests make every copy verifiable.',
    expires: soon,
  },
  {
    id: 'APIGWCacheEnabledAndEncrypted',
    path: 'api/Api/DeploymentStage.prod/Resource',
    reason: 'Answers of a key service are never cached: a cached Decrypt would survive the revocation of its grant.',
    expires: nextReview,
  },
  {
    id: 'APIGWSSLEnabled',
    path: 'api/Api/DeploymentStage.prod/Resource',
    reason: 'A client certificate is for HTTP back ends. The gateway invokes functions, over IAM.',
    expires: nextReview,
  },
  {
    id: 'APIGWAssociatedWithWAF',
    path: 'api/Api/DeploymentStage.prod/Resource',
    reason: 'As for AwsSolutions-APIG3: only profiles for development have none.',
    expires: nextReview,
  },
  {
    id: 'APIGWXrayEnabled',
    path: 'api/Api/DeploymentStage.prod/Resource',
    reason: "Traces leave the account's audit boundary and name callers and keys. Latency and errors are metrics; requests are correlated by id in the audit trail.",
    expires: nextReview,
  },
  {
    id: 'AwsSolutions-IAM5[Resource::*]',
    path: 'boundary/Boundary/Resource',
    reason: 'A boundary gives nothing; it lists the actions that roles may ever have. Which resources, the roles say exactly, and a rule of ours checks it.',
    expires: nextReview,
  },
];
