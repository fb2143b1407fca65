/** Findings of cdk-nag that come with a network, each with its reason. */
import type { Acknowledgment } from './nag-acknowledgments.ts';

const interfaces =
  'Lambda connects a function to the VPC in the name of its role, and names no resource in most of these requests. The code of the function may make none of them: a statement denies them to it.';

export const networkAcknowledgments: readonly Acknowledgment[] = ['api', 'audit', 'lifecycle'].map((path) => ({ id: 'AwsSolutions-IAM5[Resource::*]', path, reason: interfaces }));
