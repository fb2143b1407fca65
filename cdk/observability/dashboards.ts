/** What a person looks at first. Three pages: the service, the way to the HSM, and what happens by itself. */
import { Duration } from 'aws-cdk-lib';
import { GraphWidget, type IMetric, type IWidget, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, metricNamespace } from '#shared/metrics/descriptors.ts';
import { certificateSorts, outcomes, requestResults } from '#shared/metrics/dimensions.ts';
import { taskKinds } from '#shared/sweeps/overdue-tally.ts';
import type { OwnMetrics } from './own-metrics.ts';

export interface DashboardPage {
  readonly name: 'service' | 'bridge-and-hsm' | 'lifecycle-and-audit';
  readonly widgets: readonly (readonly IWidget[])[];
}

const graph = (title: string, left: readonly IMetric[], right: readonly IMetric[] = []): GraphWidget =>
  new GraphWidget({ title, left: [...left], right: [...right], width: 12, height: 6 });

export function dashboardPages(own: OwnMetrics, deployment: string): readonly DashboardPage[] {
  const by = <Name extends 'outcome' | 'result' | 'lane' | 'task' | 'certificate' | 'cause'>(name: MetricName, dimension: Name, values: readonly string[], statistic?: string) =>
    values.map((value) => own(name, { dimensions: { [dimension]: value }, label: value, ...(statistic === undefined ? {} : { statistic }) }));
  const search = (name: MetricName, dimensions: string, statistic: string) =>
    new MathExpression({
      expression: `SEARCH('{${metricNamespace},deployment,${dimensions}} MetricName="${name}" deployment="${deployment}"', '${statistic}', 60)`,
      usingMetrics: {},
      label: '',
      period: Duration.minutes(1),
    });
  return [
    {
      name: 'service',
      widgets: [
        [graph('Requests by outcome', by('Requests', 'outcome', outcomes)), graph('Latency', [own('RequestLatency', { statistic: 'p50' }), own('RequestLatency')])],
        [graph('Requests by operation and outcome', [search('Requests', 'operation,outcome', 'Sum')]), graph('p99 by operation', [search('RequestLatency', 'operation', 'p99')])],
        [graph('Requests by key spec', [search('Requests', 'keySpec,outcome', 'Sum')])],
      ],
    },
    {
      name: 'bridge-and-hsm',
      widgets: [
        [
          graph('Calls of the bridge by their end', by('BridgeCalls', 'result', requestResults)),
          graph('Time of a call', [own('BridgeCallLatency', { statistic: 'p50' }), own('BridgeCallLatency')]),
        ],
        [
          graph('Wait in the queue, p99', by('BridgeQueueWait', 'lane', ['fast', 'slow'])),
          graph('Busy workers and queue', by('BridgeBusyWorkers', 'lane', ['fast', 'slow']), by('BridgeQueueLength', 'lane', ['fast', 'slow'])),
        ],
        [
          graph('Errors of the HSM, lost workers, reopened sessions', [own('HsmErrors'), own('WorkersLost'), own('SessionsReopened')]),
          graph('Ready (least), keys held open', [own('BridgeReady', { statistic: 'Minimum' })], [own('CachedKeys')]),
        ],
        [graph('HSMs', [own('HsmCount'), own('HsmsMissing'), own('HsmsDegraded'), own('HsmDivergence')]), graph('Age of the newest backup', [own('HsmBackupAge')])],
        [graph('Days until certificates expire', by('CertificateDaysLeft', 'certificate', certificateSorts, 'Minimum'))],
      ],
    },
    {
      name: 'lifecycle-and-audit',
      widgets: [
        [graph('Overdue', by('OverdueTasks', 'task', taskKinds)), graph('Due for', by('OldestOverdueAge', 'task', taskKinds))],
        [graph('Failed tasks', by('TasksFailed', 'task', taskKinds)), graph('Sweeps', [own('SweepRuns')])],
        [
          graph('Age of the outbox', [own('OutboxAge')]),
          graph('Audit records: refused, second place, withheld answers', [own('AuditAppendFailures'), own('AuditFallbackUsed'), own('AnswersWithheld')]),
        ],
        [
          graph('Tampered rows', [own('TamperedRows')]),
          graph('Archive and outbox failures, alarms not sent', [own('ArchiveFailures'), own('OutboxPublishFailures'), own('AlarmsNotSent')]),
        ],
      ],
    },
  ];
}
