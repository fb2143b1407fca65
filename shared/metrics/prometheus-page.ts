/** The same numbers for Prometheus: since the start of the process, in text format 0.0.4. */

import { type DimensionName, descriptorOf, type MetricDescriptor, type MetricName, metricNames } from './descriptors.ts';
import { dimensionValue } from './dimensions.ts';
import type { MetricSink } from './metric-sink.ts';

/** Upper bounds in the metric's own unit, which is milliseconds. */
const bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000] as const;

interface Series {
  readonly labels: string;
  sum: number;
  count: number;
  /** How many values were not above each bound. */
  readonly buckets: number[];
}

export class PrometheusPage implements MetricSink {
  readonly #operations: ReadonlySet<string>;
  readonly #metrics = new Map<MetricName, Map<string, Series>>();

  constructor(operations: ReadonlySet<string>) {
    this.#operations = operations;
  }

  record(name: MetricName, value: number, given: Readonly<Partial<Record<DimensionName, string>>> = {}): void {
    if (!Number.isFinite(value)) return;
    const descriptor = descriptorOf(name);
    const values = descriptor.dimensions.map((dimension) => dimensionValue(dimension, given[dimension], this.#operations));
    const series = this.#seriesOf(name, descriptor, values);
    series.sum = descriptor.kind === 'gauge' ? value : series.sum + value;
    series.count += 1;
    if (descriptor.kind !== 'distribution') return;
    for (let at = bounds.length - 1; at >= 0 && value <= bounds[at]!; at -= 1) series.buckets[at]! += 1;
  }

  /** Values come from closed lists, and none of them has a space in it. */
  #seriesOf(name: MetricName, { kind, dimensions }: MetricDescriptor, values: readonly string[]): Series {
    const ofName = this.#metrics.get(name) ?? new Map<string, Series>();
    if (ofName.size === 0) this.#metrics.set(name, ofName);
    const place = values.join(' ');
    const known = ofName.get(place);
    if (known !== undefined) return known;
    const labels = dimensions.map((dimension, at) => `${snakeCase(dimension)}="${values[at]}"`).join(',');
    const series: Series = { labels, sum: 0, count: 0, buckets: kind === 'distribution' ? bounds.map(() => 0) : [] };
    ofName.set(place, series);
    return series;
  }

  text(): string {
    return metricNames.map((name) => this.#metric(name)).join('');
  }

  #metric(name: MetricName): string {
    const ofName = this.#metrics.get(name);
    if (ofName === undefined) return '';
    const descriptor = descriptorOf(name);
    const exposed = prometheusName(name, descriptor);
    const type = descriptor.kind === 'distribution' ? 'histogram' : descriptor.kind;
    const lines = [...ofName.values()].flatMap((series) =>
      descriptor.kind === 'distribution' ? histogram(exposed, series) : [`${exposed}${braced(series.labels)} ${scaled(series.sum, descriptor)}`],
    );
    return `${[`# HELP ${exposed} ${descriptor.meaning}`, `# TYPE ${exposed} ${type}`, ...lines].join('\n')}\n`;
  }
}

function histogram(name: string, { labels, sum, count, buckets }: Series): string[] {
  const bucket = (bound: string, value: number): string => `${name}_bucket{${[labels, `le="${bound}"`].filter((label) => label !== '').join(',')}} ${value}`;
  return [
    ...bounds.map((bound, at) => bucket(String(bound / 1000), buckets[at]!)),
    bucket('+Inf', count),
    `${name}_sum${braced(labels)} ${sum / 1000}`,
    `${name}_count${braced(labels)} ${count}`,
  ];
}

const suffixes = { Count: '', Milliseconds: '_seconds', Seconds: '_seconds', Days: '_days', Hours: '_hours', Percent: '_percent' } as const;

/** Prometheus wants base units, and counters that end in `_total`. */
export const prometheusName = (name: string, { kind, unit }: MetricDescriptor): string => `chatelaine_${snakeCase(name)}${suffixes[unit]}${kind === 'counter' ? '_total' : ''}`;

const scaled = (value: number, { unit }: MetricDescriptor): number => (unit === 'Milliseconds' ? value / 1000 : value);
const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);
const snakeCase = (name: string): string => name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
