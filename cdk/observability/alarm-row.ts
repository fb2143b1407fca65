/** What an alarm is, as data. Each has a runbook of its own name: docs/runbooks/<id>.md. */
import type { ComparisonOperator, IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import type { ObservabilityConfig } from '../config/observability-config.ts';
import type { OwnMetrics } from './own-metrics.ts';

export interface AlarmContext {
  readonly config: DeploymentConfig;
  readonly thresholds: ObservabilityConfig['thresholds'];
  readonly own: OwnMetrics;
}

export interface AlarmRow {
  readonly id: string;
  readonly what: string;
  readonly metric: (context: AlarmContext) => IMetric;
  readonly threshold: (context: AlarmContext) => number;
  readonly comparison: ComparisonOperator;
  /** This many of the last so many values. */
  readonly points: readonly [number, number];
  readonly missing: TreatMissingData;
  /** Why no value is taken for that. */
  readonly missingMeans: string;
  /** Absent: in every deployment. */
  readonly when?: (config: DeploymentConfig) => boolean;
}
