import type { DimensionName, MetricName } from './descriptors.ts';

/** Takes one measured value. Never throws, never blocks: a number must not decide over a request. */
export interface MetricSink {
  record(name: MetricName, value: number, dimensions?: Readonly<Partial<Record<DimensionName, string>>>): void;
}
