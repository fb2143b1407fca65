/**
 * Every metric there is: the only list. The code that measures, the EMF lines, the Prometheus page, the dashboards and the alarms are held to it, and a test
 * fails when one of these is measured nowhere.
 */
import type { DimensionName } from './dimensions.ts';

export type { DimensionName };
export type Unit = 'Count' | 'Milliseconds' | 'Seconds' | 'Days' | 'Hours' | 'Percent';

export interface MetricDescriptor {
  readonly unit: Unit;
  /** A counter is added up, a gauge is what is so now, a distribution is a set of single values. */
  readonly kind: 'counter' | 'gauge' | 'distribution';
  readonly dimensions: readonly DimensionName[];
  /** The combinations that CloudWatch keeps, each beside `deployment`: it cannot add up over a dimension itself. */
  readonly sets: readonly (readonly DimensionName[])[];
  readonly meaning: string;
}

/** The namespace in CloudWatch. */
export const metricNamespace = 'Chatelaine';
/** Stands in every set: two deployments fit into one account and Region. */
export const deploymentDimension = 'deployment';

const whole = { dimensions: [], sets: [[]] } as const;
const by = <Name extends DimensionName>(name: Name) => ({ dimensions: [name], sets: [[name]] }) as const;
const byAndWhole = <Name extends DimensionName>(name: Name) => ({ dimensions: [name], sets: [[name], []] }) as const;

const requests = {
  Requests: {
    unit: 'Count',
    kind: 'counter',
    dimensions: ['operation', 'outcome', 'keySpec'],
    sets: [['operation', 'outcome'], ['keySpec', 'outcome'], ['outcome'], []],
    meaning: 'Requests answered, refused ones included.',
  },
  RequestLatency: {
    unit: 'Milliseconds',
    kind: 'distribution',
    dimensions: ['operation', 'outcome', 'keySpec'],
    sets: [['operation'], []],
    meaning: 'From the arrival of a request at our code to its answer.',
  },
  BridgeCalls: { unit: 'Count', kind: 'counter', ...byAndWhole('result'), meaning: 'Calls to the HSM bridge, as its callers see them end.' },
  BridgeCallLatency: { unit: 'Milliseconds', kind: 'distribution', ...whole, meaning: 'A call to the HSM bridge, repeats and network included.' },
} as const satisfies Record<string, MetricDescriptor>;

const audit = {
  AuditAppendFailures: { unit: 'Count', kind: 'counter', ...byAndWhole('sink'), meaning: 'A place for audit records did not take one.' },
  AuditFallbackUsed: { unit: 'Count', kind: 'counter', ...whole, meaning: 'An audit record went to the second place.' },
  AnswersWithheld: { unit: 'Count', kind: 'counter', ...whole, meaning: 'Requests refused because no place took their audit record.' },
  TamperedRows: { unit: 'Count', kind: 'counter', ...byAndWhole('alarm'), meaning: 'Rows that are not what the HSM sealed: somebody wrote to the database.' },
  AlarmsNotSent: { unit: 'Count', kind: 'counter', ...whole, meaning: 'Alarms that only the log has.' },
  OutboxAge: { unit: 'Seconds', kind: 'gauge', ...whole, meaning: 'Age of the oldest audit record that a change committed and nobody published yet.' },
  OutboxPublishFailures: { unit: 'Count', kind: 'counter', ...whole, meaning: 'Committed audit records that could not be published at this try.' },
  ArchiveFailures: { unit: 'Count', kind: 'counter', ...whole, meaning: 'Audit records and alarms that could not be archived at this try.' },
} as const satisfies Record<string, MetricDescriptor>;

const lifecycle = {
  SweepRuns: { unit: 'Count', kind: 'counter', ...whole, meaning: 'Searches for what is due that came to their end.' },
  OverdueTasks: { unit: 'Count', kind: 'gauge', ...by('task'), meaning: 'Rotations, destructions and expiries that were due when the search found them.' },
  OldestOverdueAge: { unit: 'Seconds', kind: 'gauge', ...by('task'), meaning: 'How long the oldest of them has been due.' },
  TasksFailed: { unit: 'Count', kind: 'counter', ...by('task'), meaning: 'Due tasks that failed at this try.' },
} as const satisfies Record<string, MetricDescriptor>;

const bridge = {
  BridgeQueueWait: { unit: 'Milliseconds', kind: 'distribution', ...byAndWhole('lane'), meaning: 'From the arrival of a job in the bridge to its start on a worker.' },
  BridgeJobs: { unit: 'Count', kind: 'counter', ...by('lane'), meaning: 'Jobs done by workers.' },
  BridgeQueueLength: { unit: 'Count', kind: 'gauge', ...by('lane'), meaning: 'Jobs that wait because every worker is full.' },
  BridgeBusyWorkers: { unit: 'Percent', kind: 'gauge', ...by('lane'), meaning: 'Workers of the lane that have a job.' },
  BridgeAnswers: { unit: 'Count', kind: 'counter', ...byAndWhole('result'), meaning: 'Answers of the bridge. `busy` and `unavailable` are HTTP 503.' },
  HsmErrors: { unit: 'Count', kind: 'counter', ...byAndWhole('cause'), meaning: 'Calls of the HSM that ended as they should not.' },
  SessionsReopened: { unit: 'Count', kind: 'counter', ...whole, meaning: 'PKCS#11 sessions replaced after an unexpected return value.' },
  WorkersLost: { unit: 'Count', kind: 'counter', ...whole, meaning: 'Worker threads of the bridge that died and were replaced.' },
  BridgeReady: { unit: 'Count', kind: 'gauge', ...whole, meaning: '1 when the domain keys in the HSM could be used within the last two seconds, else 0.' },
  CachedKeys: { unit: 'Count', kind: 'gauge', ...whole, meaning: 'Keys that the bridge holds open in the HSM.' },
  CertificateDaysLeft: { unit: 'Days', kind: 'gauge', ...by('certificate'), meaning: 'Until the first certificate of this sort expires.' },
} as const satisfies Record<string, MetricDescriptor>;

/** From the reconciler and the guardian of backups: what the control plane of the HSMs says. */
const hsm = {
  HsmCount: { unit: 'Count', kind: 'gauge', ...whole, meaning: 'HSMs of the cluster that are ACTIVE.' },
  HsmsMissing: { unit: 'Count', kind: 'gauge', ...whole, meaning: 'HSMs that the configuration asks for and that are not ACTIVE.' },
  HsmsDegraded: { unit: 'Count', kind: 'gauge', ...whole, meaning: 'HSMs in any state but ACTIVE or under creation.' },
  HsmDivergence: { unit: 'Count', kind: 'gauge', ...whole, meaning: 'Differences between the cluster and its configuration.' },
  HsmBackupAge: { unit: 'Hours', kind: 'gauge', ...whole, meaning: 'Age of the newest backup that can be restored.' },
} as const satisfies Record<string, MetricDescriptor>;

export const metricDescriptors = { ...requests, ...audit, ...lifecycle, ...bridge, ...hsm } as const satisfies Record<string, MetricDescriptor>;
export type MetricName = keyof typeof metricDescriptors;
export const metricNames = Object.keys(metricDescriptors) as readonly MetricName[];
export const descriptorOf = (name: MetricName): MetricDescriptor => metricDescriptors[name];
