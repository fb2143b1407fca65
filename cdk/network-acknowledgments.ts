/** Findings of cdk-nag that come with a network, each with its reason. */
import type { Acknowledgment } from './gates/acknowledge.ts';

const interfaces =
  'Lambda connects a function to the VPC in the name of its role, and names no resource in most of these requests. The code of the function may make none of them: a statement denies them to it.';

const nextReview = '2027-11-30';

export const networkAcknowledgments: readonly Acknowledgment[] = [
  ...['api', 'audit', 'lifecycle'].map((stack) => ({ id: 'AwsSolutions-IAM5[Resource::*]', path: `${stack}/*/Role/Resource`, reason: interfaces, expires: nextReview })),
  {
    id: 'IAMNoInlinePolicy',
    path: 'network/Vpc/Flow/IAMRole/DefaultPolicy/Resource',
    reason: 'The policy belongs to this one role, for one log group, and goes with it.',
    expires: nextReview,
  },
];
