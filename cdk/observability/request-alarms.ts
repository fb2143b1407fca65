/** Alarms on requests, the way to the HSM, and what AWS runs them on. */
import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmContext, AlarmRow } from './alarm-row.ts';
import { percentOf } from './own-metrics.ts';

const { GREATER_THAN_THRESHOLD: above, GREATER_THAN_OR_EQUAL_TO_THRESHOLD: from, LESS_THAN_THRESHOLD: below } = ComparisonOperator;
const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);
const quiet = { missing: TreatMissingData.NOT_BREACHING, missingMeans: 'nobody called, so nothing failed' } as const;
const hasOwnBridge = ({ bridge }: AlarmContext['config']): boolean => bridge.source !== 'external';
const ofAccount = (metricName: string, statistic: string) => () => new Metric({ namespace: 'AWS/Lambda', metricName, statistic, period: minute });

export const requestAlarms: readonly AlarmRow[] = [
  {
    id: 'request-faults',
    what: 'Requests fail for reasons that their callers cannot help.',
    metric: ({ own }) => percentOf({ faults: own('Requests', { dimensions: { outcome: 'fault' } }) }, own('Requests'), minute),
    threshold: ({ thresholds }) => thresholds.faultPercent,
    comparison: above,
    points: [3, 5],
    ...quiet,
  },
  {
    id: 'request-latency',
    what: 'The slowest hundredth of the requests takes too long.',
    metric: ({ own }) => own('RequestLatency'),
    threshold: ({ thresholds }) => thresholds.latencyP99Ms,
    comparison: above,
    points: [3, 5],
    ...quiet,
  },
  {
    id: 'denied-requests',
    what: 'Unusually many requests are refused for missing rights.',
    metric: ({ own }) => own('Requests', { dimensions: { outcome: 'denied' }, period: fiveMinutes }),
    threshold: ({ thresholds }) => thresholds.deniedRequests,
    comparison: from,
    points: [1, 1],
    ...quiet,
  },
  {
    id: 'bridge-calls-failing',
    what: 'Calls to the HSM bridge fail.',
    metric: ({ own }) => {
      const of = (result: string) => own('BridgeCalls', { dimensions: { result } });
      return percentOf({ unavailable: of('unavailable'), timeout: of('timeout'), internal: of('internal') }, own('BridgeCalls'), minute);
    },
    threshold: ({ thresholds }) => thresholds.faultPercent,
    comparison: above,
    points: [3, 5],
    ...quiet,
  },
  {
    id: 'bridge-busy',
    what: 'The HSM bridge refuses calls because its queues are full.',
    metric: ({ own }) => own('BridgeCalls', { dimensions: { result: 'busy' }, period: fiveMinutes }),
    threshold: () => 10,
    comparison: from,
    points: [1, 1],
    ...quiet,
  },
  {
    id: 'bridge-queue-wait',
    what: 'Jobs wait long in the HSM bridge before a worker begins with them.',
    metric: ({ own }) => own('BridgeQueueWait', { dimensions: { lane: 'fast' } }),
    threshold: ({ thresholds }) => thresholds.queueWaitP99Ms,
    comparison: above,
    points: [3, 5],
    missing: TreatMissingData.NOT_BREACHING,
    missingMeans: 'no jobs, so none waited; a bridge that is gone has an alarm of its own',
    when: hasOwnBridge,
  },
  {
    id: 'bridge-not-ready',
    what: 'A bridge cannot use the domain keys in the HSM, or no bridge runs.',
    metric: ({ own }) => own('BridgeReady', { statistic: 'Minimum' }),
    threshold: () => 1,
    comparison: below,
    points: [3, 3],
    missing: TreatMissingData.BREACHING,
    missingMeans: 'a bridge that runs tells this every half minute',
    when: hasOwnBridge,
  },
  {
    id: 'hsm-errors',
    what: 'Calls of the HSM end as they should not.',
    metric: ({ own }) => own('HsmErrors'),
    threshold: () => 5,
    comparison: from,
    points: [2, 5],
    missing: TreatMissingData.NOT_BREACHING,
    missingMeans: 'the bridge counts errors only when there are some',
    when: hasOwnBridge,
  },
  {
    id: 'bridge-workers-lost',
    what: 'Worker threads of the bridge die again and again.',
    metric: ({ own }) => own('WorkersLost', { period: Duration.minutes(15) }),
    threshold: () => 3,
    comparison: from,
    points: [1, 1],
    missing: TreatMissingData.NOT_BREACHING,
    missingMeans: 'the bridge counts lost workers only when there are some',
    when: hasOwnBridge,
  },
  {
    id: 'api-5xx',
    what: 'API Gateway answers with server errors, those of functions that gave no answer included.',
    metric: ({ config }) =>
      new Metric({ namespace: 'AWS/ApiGateway', metricName: '5XXError', dimensionsMap: { ApiName: config.deployment, Stage: 'prod' }, statistic: 'Sum', period: minute }),
    threshold: () => 5,
    comparison: from,
    points: [3, 5],
    ...quiet,
  },
  {
    id: 'function-errors',
    what: 'Functions of this account end without an answer.',
    metric: ofAccount('Errors', 'Sum'),
    threshold: () => 5,
    comparison: from,
    points: [3, 5],
    ...quiet,
  },
  {
    id: 'function-throttles',
    what: 'Lambda refuses to run functions of this account.',
    metric: ofAccount('Throttles', 'Sum'),
    threshold: () => 1,
    comparison: from,
    points: [2, 5],
    ...quiet,
  },
  {
    id: 'function-concurrency',
    what: 'Four fifths of the functions that may run at once do.',
    metric: ofAccount('ConcurrentExecutions', 'Maximum'),
    threshold: ({ thresholds }) => thresholds.lambdaConcurrency * 0.8,
    comparison: above,
    points: [3, 5],
    ...quiet,
  },
];
