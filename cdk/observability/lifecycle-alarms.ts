/** Alarms on the audit trail, rotation and destruction, certificates and the HSM cluster. */
import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { TaskKind } from '#shared/sweeps/overdue-tally.ts';
import type { AlarmContext, AlarmRow } from './alarm-row.ts';
import { sumOf } from './own-metrics.ts';

const { GREATER_THAN_THRESHOLD: above, GREATER_THAN_OR_EQUAL_TO_THRESHOLD: from, LESS_THAN_THRESHOLD: below } = ComparisonOperator;
const fiveMinutes = Duration.minutes(5);
const counted = { missing: TreatMissingData.NOT_BREACHING, missingMeans: 'it is counted only when it happens' } as const;
const unchanged = { missing: TreatMissingData.IGNORE, missingMeans: 'nothing new is known, so what was known stays; that the source is silent has an alarm of its own' } as const;
const once = { threshold: () => 1, comparison: from, points: [1, 1] } as const;
const hasOwnBridge = ({ bridge }: AlarmContext['config']): boolean => bridge.source !== 'external';
const hasCluster = ({ hsm }: AlarmContext['config']): boolean => hsm !== undefined && hsm.source !== 'softhsm';

const overdue = (id: string, task: TaskKind, what: string): AlarmRow => ({
  id,
  what,
  metric: ({ own }) => own('OldestOverdueAge', { dimensions: { task }, period: fiveMinutes }),
  threshold: ({ thresholds, config }) => Math.max(thresholds.overdueMinutes, 3 * config.sweepMinutes) * 60,
  comparison: above,
  points: [1, 1],
  ...unchanged,
});

const expiring = (id: string, certificate: 'client' | 'bridge' | 'authority', what: string, when?: AlarmRow['when']): AlarmRow => ({
  id,
  what,
  metric: ({ own }) => own('CertificateDaysLeft', { dimensions: { certificate }, statistic: 'Minimum', period: Duration.hours(1) }),
  threshold: ({ thresholds }) => (certificate === 'authority' ? thresholds.authorityDays : thresholds.certificateDays),
  comparison: below,
  points: [1, 1],
  ...unchanged,
  ...(when === undefined ? {} : { when }),
});

const hsmGauge = (id: string, name: 'HsmsMissing' | 'HsmsDegraded' | 'HsmDivergence', what: string): AlarmRow => ({
  id,
  what,
  metric: ({ own }) => own(name, { period: fiveMinutes }),
  threshold: () => 1,
  comparison: from,
  points: [3, 3],
  ...unchanged,
  when: hasCluster,
});

const auditAlarms: readonly AlarmRow[] = [
  { id: 'tampered-row', what: 'A row is not what the HSM sealed: somebody wrote to the database.', metric: ({ own }) => own('TamperedRows'), ...once, ...counted },
  { id: 'answers-withheld', what: 'Requests are refused because no place takes their audit records.', metric: ({ own }) => own('AnswersWithheld'), ...once, ...counted },
  {
    id: 'audit-fallback-used',
    what: 'The event bus does not take audit records; they go to the second place.',
    metric: ({ own }) => own('AuditFallbackUsed', { period: fiveMinutes }),
    ...once,
    ...counted,
  },
  {
    id: 'audit-append-failures',
    what: 'A place for audit records refuses them again and again.',
    metric: ({ own }) => own('AuditAppendFailures', { period: fiveMinutes }),
    threshold: () => 10,
    comparison: from,
    points: [1, 1],
    ...counted,
  },
  {
    id: 'alarms-not-sent',
    what: 'Alarms of the service could not be published and stand in the log alone.',
    metric: ({ own }) => own('AlarmsNotSent', { period: fiveMinutes }),
    ...once,
    ...counted,
  },
  {
    id: 'archive-failures',
    what: 'Audit records cannot be written into the archive.',
    metric: ({ own }) => own('ArchiveFailures', { period: fiveMinutes }),
    threshold: () => 1,
    comparison: from,
    points: [2, 3],
    ...counted,
  },
  {
    id: 'outbox-age',
    what: 'Audit records of changes wait to be published, or the publisher does not run.',
    metric: ({ own }) => own('OutboxAge', { period: fiveMinutes }),
    threshold: ({ thresholds }) => thresholds.outboxMinutes * 60,
    comparison: above,
    points: [3, 3],
    missing: TreatMissingData.BREACHING,
    missingMeans: 'the publisher tells it every five minutes',
  },
  {
    id: 'outbox-publish-failures',
    what: 'Audit records of changes cannot be published.',
    metric: ({ own }) => own('OutboxPublishFailures', { period: fiveMinutes }),
    threshold: () => 1,
    comparison: from,
    points: [3, 3],
    ...counted,
  },
  {
    id: 'outbox-stream-age',
    what: 'The stream of the core table is read late.',
    metric: ({ config }) =>
      new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'IteratorAge',
        dimensionsMap: { FunctionName: `${config.deployment}-outbox-publisher` },
        statistic: 'Maximum',
        period: Duration.minutes(1),
      }),
    threshold: () => 300_000,
    comparison: above,
    points: [3, 5],
    missing: TreatMissingData.NOT_BREACHING,
    missingMeans: 'no change was made, so there was nothing to read',
  },
];

const dueAlarms: readonly AlarmRow[] = [
  {
    id: 'sweep-not-running',
    what: 'Nobody looks for rotations and destructions that are due.',
    metric: ({ own, config }) => own('SweepRuns', { period: Duration.minutes(Math.max(5, Math.ceil((3 * config.sweepMinutes) / 5) * 5)) }),
    threshold: () => 1,
    comparison: below,
    points: [1, 1],
    missing: TreatMissingData.BREACHING,
    missingMeans: 'every search that ends is counted',
  },
  overdue('overdue-rotations', 'ROTATION', 'A key should have been rotated and was not.'),
  overdue('overdue-destructions', 'DELETION', 'A key should have been destroyed and was not.'),
  overdue('overdue-expiries', 'EXPIRY', 'Imported key material should have been deleted and was not.'),
  {
    id: 'tasks-failed',
    what: 'Rotations, destructions or expiries fail.',
    metric: ({ own }) => {
      const of = (task: TaskKind) => own('TasksFailed', { dimensions: { task }, period: fiveMinutes });
      return sumOf({ rotations: of('ROTATION'), rolls: of('ENCRYPTION_COUNT'), deletions: of('DELETION'), expiries: of('EXPIRY') }, fiveMinutes);
    },
    threshold: () => 1,
    comparison: from,
    points: [2, 3],
    ...counted,
  },
];

export const lifecycleAlarms: readonly AlarmRow[] = [
  ...auditAlarms,
  ...dueAlarms,
  expiring('client-certificate-expiry', 'client', 'The certificate of a caller of the bridge expires.'),
  expiring('bridge-certificate-expiry', 'bridge', 'The certificate of the bridge expires.', hasOwnBridge),
  expiring('authority-expiry', 'authority', 'The authority that issues the certificates of the bridge and its callers expires.'),
  hsmGauge('hsm-missing', 'HsmsMissing', 'Fewer HSMs are ACTIVE than the configuration asks for.'),
  hsmGauge('hsm-degraded', 'HsmsDegraded', 'An HSM is in a state in which it does not work.'),
  {
    ...hsmGauge('hsm-divergence', 'HsmDivergence', 'The HSM cluster is not what the configuration asks for, or nobody compares.'),
    missing: TreatMissingData.BREACHING,
    missingMeans: 'the reconciler tells it every five minutes',
  },
  {
    id: 'hsm-backup-age',
    what: 'The newest backup of the HSM cluster is too old, or nobody looks after backups.',
    metric: ({ own }) => own('HsmBackupAge', { period: Duration.hours(6) }),
    threshold: ({ thresholds }) => thresholds.backupHours,
    comparison: above,
    points: [1, 1],
    missing: TreatMissingData.BREACHING,
    missingMeans: 'the guardian of the backups tells it each time it runs',
    when: hasCluster,
  },
];
