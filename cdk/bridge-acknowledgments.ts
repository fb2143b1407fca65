/** Findings of the rule packs that come with a bridge on Fargate, each with its reason. */
import type { Acknowledgment } from './gates/acknowledge.ts';

const expires = '2027-11-30';
const oneRole = 'The policy belongs to this one role and goes with it.';

export const bridgeAcknowledgments: readonly Acknowledgment[] = [
  {
    id: 'AwsSolutions-SMG4',
    path: 'bridge/bridge-certificate',
    reason: 'The certificate authority replaces the certificate by writing the secret, not by a rotation function (docs/adr/0030).',
    expires,
  },
  {
    id: 'AwsSolutions-IAM5[Resource::*]',
    path: 'bridge/Authority/Issuer/Role/Resource',
    reason: 'Lambda connects the function to the VPC in the name of its role. The code of the function may not: a statement denies it.',
    expires,
  },
  {
    id: 'AwsSolutions-SQS3',
    path: 'bridge/Authority/DeadLetters/Resource',
    reason: 'It is the dead-letter queue of the schedule, which the rule does not recognise as a source.',
    expires,
  },
  { id: 'IAMNoInlinePolicy', path: 'bridge/Bridge/Task/*/DefaultPolicy/Resource', reason: oneRole, expires },
  {
    id: 'AwsSolutions-IAM5[Resource::*]',
    path: 'bridge/Bridge/Task/TaskRole/DefaultPolicy/Resource',
    reason: 'cloudhsm:DescribeClusters, which the client of the HSM finds the addresses with, knows no resource.',
    expires,
  },
  {
    id: 'AwsSolutions-IAM5[Resource::*]',
    path: 'bridge/Bridge/Task/ExecutionRole/DefaultPolicy/Resource',
    reason: 'ecr:GetAuthorizationToken knows no resource. What is pulled with the token is limited to one repository.',
    expires,
  },
  {
    id: 'AwsSolutions-ECS2',
    path: 'bridge/Bridge/Task/Resource',
    reason: 'The environment names secrets and settings. The process fetches the secrets itself, again and again, which a task definition cannot do.',
    expires,
  },
  ...['AwsSolutions-ELB2', 'ELBLoggingEnabled'].map((id) => ({
    id,
    path: 'bridge/Bridge/Balancer/Resource',
    reason: 'A load balancer of the network writes access logs for TLS listeners only, and this one passes TCP through. The flow logs of the VPC show who connects.',
    expires,
  })),
  {
    id: 'ELBDeletionProtectionEnabled',
    path: 'bridge/Bridge/Balancer/Resource',
    reason: 'Only where destroyData says that the whole deployment goes away on command. Everywhere else the load balancer is protected, although it holds no state.',
    expires,
  },
  {
    id: 'ELBv2ACMCertificateRequired',
    path: 'bridge/Bridge/Balancer/Calls/Resource',
    reason: 'TLS ends in the bridge, which has to see the certificate of its caller. The load balancer passes bytes.',
    expires,
  },
];
