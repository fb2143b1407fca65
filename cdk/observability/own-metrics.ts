/** Our own metrics for alarms and dashboards, from the table that the code is held to: a name or a dimension that is not in it does not compile or synthesise. */
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type DimensionName, deploymentDimension, descriptorOf, type MetricName, metricNamespace } from '#shared/metrics/descriptors.ts';

export interface OwnMetricOptions {
  readonly dimensions?: Readonly<Partial<Record<DimensionName, string>>>;
  readonly statistic?: string;
  readonly period?: Duration;
  readonly label?: string;
}

/** @throws Error for a combination of dimensions that nothing is published under */
export type OwnMetrics = (name: MetricName, options?: OwnMetricOptions) => Metric;

const statistics = { counter: 'Sum', gauge: 'Maximum', distribution: 'p99' } as const;

export function ownMetricsOf(deployment: string): OwnMetrics {
  return (name, { dimensions = {}, statistic, period = Duration.minutes(1), label } = {}) => {
    const { kind, sets } = descriptorOf(name);
    const asked = Object.keys(dimensions).sort().join(' ');
    if (!sets.some((set) => [...set].sort().join(' ') === asked)) throw new Error(`${name} is not published by ${asked || 'the deployment alone'}.`);
    return new Metric({
      namespace: metricNamespace,
      metricName: name,
      dimensionsMap: { [deploymentDimension]: deployment, ...dimensions },
      statistic: statistic ?? statistics[kind],
      period,
      ...(label === undefined ? {} : { label }),
    });
  };
}

/** Parts of a whole in percent. Nothing measured counts as nothing. */
export function percentOf(parts: Readonly<Record<string, Metric>>, whole: Metric, period: Duration): MathExpression {
  const sum = Object.keys(parts)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
  return new MathExpression({ expression: `100 * (${sum}) / whole`, usingMetrics: { ...parts, whole }, period });
}

export function sumOf(parts: Readonly<Record<string, Metric>>, period: Duration): MathExpression {
  const expression = Object.keys(parts)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
  return new MathExpression({ expression, usingMetrics: { ...parts }, period });
}
