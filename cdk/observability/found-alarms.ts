/** Alarms that follow from what the other stacks hold: every queue, table and web ACL has its own, whoever added it. */
import { Duration, Stack } from 'aws-cdk-lib';
import { ComparisonOperator, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type CfnQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import type { IConstruct } from 'constructs';
import type { ObservabilityConfig } from '../config/observability-config.ts';
import { sumOf } from './own-metrics.ts';

export interface FoundAlarm {
  /** Unique in the deployment: from the construct's path. */
  readonly name: string;
  readonly runbook: 'dead-letters' | 'queue-age' | 'table-throttles' | 'blocked-requests';
  readonly what: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly points: readonly [number, number];
}

/** All of them: at least the threshold, and no value is a good sign, because these services only count what happens. */
export const foundComparison = ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;
export const foundMissing = TreatMissingData.NOT_BREACHING;

const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);
/** A queue whose oldest message is this old has workers that do not keep up or do not run. */
const queueAgeSeconds = 900;

export function foundAlarms(constructs: readonly IConstruct[], deployment: string, thresholds: ObservabilityConfig['thresholds']): readonly FoundAlarm[] {
  const nameOf = (construct: IConstruct): string =>
    construct.node.path
      .slice(deployment.length + 1)
      .replace(/\/(Queue|Resource)$/, '')
      .replaceAll('/', '-');
  return constructs.flatMap((construct): FoundAlarm[] => {
    if (construct instanceof Queue) return [queueAlarm(construct, nameOf(construct))];
    if (construct instanceof Table) return [tableAlarm(construct, nameOf(construct))];
    if (construct instanceof CfnWebACL) return [webAclAlarm(construct, nameOf(construct), thresholds.blockedRequests)];
    return [];
  });
}

/** A queue that hands its failures on is worked on; one that does not is where failures end. */
export const isDeadLetterQueue = (queue: Queue): boolean => (queue.node.defaultChild as CfnQueue).redrivePolicy === undefined;

function queueAlarm(queue: Queue, name: string): FoundAlarm {
  const of = (metricName: string) => new Metric({ namespace: 'AWS/SQS', metricName, dimensionsMap: { QueueName: queue.queueName }, statistic: 'Maximum', period: minute });
  if (isDeadLetterQueue(queue)) {
    const what = `Something could not be done and lies in the dead-letter queue ${name}.`;
    return { name, runbook: 'dead-letters', what, metric: of('ApproximateNumberOfMessagesVisible'), threshold: 1, points: [1, 1] };
  }
  const what = `Messages of the queue ${name} wait too long.`;
  return { name, runbook: 'queue-age', what, metric: of('ApproximateAgeOfOldestMessage'), threshold: queueAgeSeconds, points: [3, 5] };
}

function tableAlarm(table: Table, name: string): FoundAlarm {
  const of = (metricName: string) => new Metric({ namespace: 'AWS/DynamoDB', metricName, dimensionsMap: { TableName: table.tableName }, statistic: 'Sum', period: minute });
  const metric = sumOf({ reads: of('ReadThrottleEvents'), writes: of('WriteThrottleEvents') }, minute);
  return { name, runbook: 'table-throttles', what: `DynamoDB refuses requests of the table ${name}.`, metric, threshold: 5, points: [3, 5] };
}

function webAclAlarm(acl: CfnWebACL, name: string, threshold: number): FoundAlarm {
  const { metricName } = acl.visibilityConfig as CfnWebACL.VisibilityConfigProperty;
  const dimensionsMap = { WebACL: metricName, Region: Stack.of(acl).region, Rule: 'ALL' };
  const metric = new Metric({ namespace: 'AWS/WAFV2', metricName: 'BlockedRequests', dimensionsMap, statistic: 'Sum', period: fiveMinutes });
  return { name, runbook: 'blocked-requests', what: 'The web ACL blocks unusually many requests.', metric, threshold, points: [1, 1] };
}
