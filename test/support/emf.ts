/** Reads metric lines as CloudWatch's specification has them, strictly. */
import * as z from 'zod';

const name = z.string().min(1).max(1024);
const documentSchema = z.looseObject({
  _aws: z.strictObject({
    Timestamp: z.int().min(0),
    CloudWatchMetrics: z
      .array(
        z.strictObject({
          Namespace: name,
          Dimensions: z.array(z.array(z.string().min(1).max(250)).max(30)).min(1),
          Metrics: z
            .array(z.strictObject({ Name: name, Unit: z.enum(['Count', 'Milliseconds', 'Seconds', 'Percent', 'None']) }))
            .min(1)
            .max(100),
        }),
      )
      .min(1),
  }),
});

export interface EmfMetric {
  readonly namespace: string;
  readonly name: string;
  readonly values: readonly number[];
  /** Each combination under which CloudWatch keeps the values. */
  readonly dimensions: readonly Readonly<Record<string, string>>[];
}

/** @throws Error when the line is not what the specification asks for */
export function readEmfLine(line: string): readonly EmfMetric[] {
  const { _aws, ...members } = documentSchema.parse(JSON.parse(line));
  const dimension = z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[\x20-\x7e]+$/);
  const values = z.union([z.number().transform((value) => [value]), z.array(z.number()).min(1).max(100)]);
  return _aws.CloudWatchMetrics.flatMap(({ Namespace: namespace, Dimensions, Metrics }) =>
    Metrics.map((metric) => ({
      namespace,
      name: metric.Name,
      values: values.parse(members[metric.Name]),
      dimensions: Dimensions.map((set) => Object.fromEntries(set.map((key) => [key, dimension.parse(members[key])]))),
    })),
  );
}
