/** Collects values until somebody takes them: a function after each request, the bridge every some seconds. */

import { type DimensionName, descriptorOf, type MetricName } from './descriptors.ts';
import { dimensionValue } from './dimensions.ts';
import type { MetricSink } from './metric-sink.ts';

export interface Sample {
  readonly name: MetricName;
  readonly dimensions: Readonly<Record<string, string>>;
  /** One value, or of a distribution up to a hundred. */
  readonly values: readonly number[];
}

/** What one EMF line can hold of a metric. Of more values a fair choice is kept. */
const valuesMax = 100;
/** Larger ones are refused: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html. No sum of smaller ones overflows. */
const valueMax = 2 ** 360;

interface Series {
  readonly name: MetricName;
  readonly dimensions: Readonly<Record<string, string>>;
  values: number[];
  seen: number;
}

export class MetricRecorder implements MetricSink {
  readonly #operations: ReadonlySet<string>;
  readonly #random: () => number;
  #series = new Map<string, Series>();

  /** @param operations names that the dimension `operation` may have */
  constructor(operations: ReadonlySet<string> = new Set(), random: () => number = Math.random) {
    this.#operations = operations;
    this.#random = random;
  }

  record(name: MetricName, value: number, given: Readonly<Partial<Record<DimensionName, string>>> = {}): void {
    if (!(Math.abs(value) <= valueMax)) return;
    const { kind, dimensions: names } = descriptorOf(name);
    // The bridge comes here twice per job: nothing is made but the id, unless the series is new.
    let id: string = name;
    for (const dimension of names) id += ` ${dimensionValue(dimension, given[dimension], this.#operations)}`;
    const series = this.#series.get(id);
    if (series === undefined) {
      const values = id.split(' ').slice(1);
      this.#series.set(id, { name, dimensions: Object.fromEntries(names.map((dimension, at) => [dimension, values[at]!])), values: [value], seen: 1 });
    } else if (kind === 'counter') series.values[0]! += value;
    else if (kind === 'gauge') series.values[0] = value;
    else this.#sample(series, value);
  }

  /** Everything since the last call. */
  take(): readonly Sample[] {
    const taken = [...this.#series.values()];
    this.#series = new Map();
    return taken;
  }

  /** Vitter's algorithm R: every value has the same chance to be among those kept. */
  #sample(series: Series, value: number): void {
    series.seen += 1;
    if (series.values.length < valuesMax) series.values.push(value);
    else {
      const at = Math.floor(this.#random() * series.seen);
      if (at < valuesMax) series.values[at] = value;
    }
  }
}
