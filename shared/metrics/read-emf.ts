/** Reads lines of the embedded metric format (emf.ts), which the bridge prints, for those who show them themselves. */
import * as z from 'zod';
import { descriptorOf, type MetricName, metricDescriptors } from './descriptors.ts';
import type { MetricSink } from './metric-sink.ts';

const emfSchema = z.looseObject({ _aws: z.object({ CloudWatchMetrics: z.array(z.object({ Metrics: z.array(z.object({ Name: z.string() })) })) }) });
const valuesSchema = z.union([z.number().transform((value) => [value]), z.array(z.number()).max(100)]);

/** Hands the values of such a line on. @returns false when it is no line of metrics */
export function readEmf(line: unknown, sink: MetricSink): boolean {
  const parsed = emfSchema.safeParse(line);
  if (!parsed.success) return false;
  const { _aws, ...members } = parsed.data;
  const names = _aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name)).filter((name): name is MetricName => Object.hasOwn(metricDescriptors, name));
  for (const name of names) {
    const dimensions = Object.fromEntries(descriptorOf(name).dimensions.map((dimension) => [dimension, String(members[dimension])]));
    for (const value of valuesSchema.safeParse(members[name]).data ?? []) sink.record(name, value, dimensions);
  }
  return true;
}
