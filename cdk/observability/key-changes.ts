/** What CloudTrail tells EventBridge of the deployment's own keys, found in the other stacks, whoever added them. */
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { CfnKey } from 'aws-cdk-lib/aws-kms';
import type { IConstruct } from 'constructs';

/**
 * Calls that switch a key off, delete it or change who may do so. Switching on is one of them, because the key of the cluster's authority stays off once it has signed.
 * Refused calls come too: nobody has a reason to try.
 */
export const keyChanges = ['DisableKey', 'EnableKey', 'PutKeyPolicy', 'ScheduleKeyDeletion'] as const;

/** The limit of EventBridge for a pattern is 2048 characters, and an ARN takes some 80. */
const keysMax = 20;

/** @throws Error when there are more keys than one rule takes */
export function keyChangesPattern(constructs: readonly IConstruct[]): EventPattern {
  const keys = constructs.filter((construct) => CfnKey.isCfnKey(construct));
  if (keys.length > keysMax) throw new Error(`${keys.length} keys do not fit into the pattern of one rule.`);
  return {
    source: ['aws.kms'],
    detailType: ['AWS API Call via CloudTrail'],
    detail: { eventSource: ['kms.amazonaws.com'], eventName: [...keyChanges], resources: { ARN: keys.map(({ attrArn }) => attrArn) } },
  };
}
