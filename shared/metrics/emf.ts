/**
 * CloudWatch's embedded metric format: a log line that CloudWatch Logs makes metrics of.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
import { deploymentDimension, descriptorOf, metricNamespace } from './descriptors.ts';
import type { Sample } from './metric-recorder.ts';

interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: { readonly Name: string; readonly Unit: string }[];
}

/** One line per combination of dimension values, without line ends. Hours are no unit of CloudWatch. */
export function emfLines(samples: readonly Sample[], deployment: string, now: number): readonly string[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const id = JSON.stringify(sample.dimensions);
    groups.set(id, [...(groups.get(id) ?? []), sample]);
  }
  return [...groups.values()].map((group) => JSON.stringify(emfDocument(group, deployment, now)));
}

function emfDocument(samples: readonly Sample[], deployment: string, now: number): Record<string, unknown> {
  const directives = new Map<string, Directive>();
  for (const { name } of samples) {
    const { sets, unit } = descriptorOf(name);
    const Dimensions = sets.map((set) => [deploymentDimension, ...set]);
    const directive = directives.get(JSON.stringify(Dimensions)) ?? { Namespace: metricNamespace, Dimensions, Metrics: [] };
    directive.Metrics.push({ Name: name, Unit: cloudWatchUnit(unit) });
    directives.set(JSON.stringify(Dimensions), directive);
  }
  return {
    _aws: { Timestamp: now, CloudWatchMetrics: [...directives.values()] },
    [deploymentDimension]: deployment,
    ...samples[0]?.dimensions,
    ...Object.fromEntries(samples.map(({ name, values }) => [name, values.length === 1 ? values[0] : values])),
  };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html: there is nothing longer than a second. */
const cloudWatchUnit = (unit: string): string => (unit === 'Days' || unit === 'Hours' ? 'None' : unit);
