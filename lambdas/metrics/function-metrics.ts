/** The metrics of one function: collected in memory, written as lines of the log when a request or a batch is done. No call of a service, nothing to wait for. */
import { emfLines } from '#shared/metrics/emf.ts';
import { MetricRecorder } from '#shared/metrics/metric-recorder.ts';
import type { MetricSink } from '#shared/metrics/metric-sink.ts';

export interface FunctionMetrics extends MetricSink {
  flush(): void;
}

/** For handlers that nobody measures. */
export const unmeasured: FunctionMetrics = { record: () => undefined, flush: () => undefined };

export interface FunctionMetricsOptions {
  readonly deployment: string;
  readonly operations?: ReadonlySet<string>;
  readonly now?: () => number;
  readonly write?: (text: string) => void;
}

/**
 * Not console.log: in a function with JSON logs the runtime puts what it prints into a member `message`, and CloudWatch then sees no metric
 * (awslabs/aws-embedded-metrics-node#158).
 */
const toStandardOutput = (text: string): void => void process.stdout.write(text);

export function createFunctionMetrics({ deployment, operations, now = Date.now, write = toStandardOutput }: FunctionMetricsOptions): FunctionMetrics {
  const recorder = new MetricRecorder(operations);
  return {
    record: (name, value, dimensions) => recorder.record(name, value, dimensions),
    flush() {
      for (const line of emfLines(recorder.take(), deployment, now())) write(`${line}\n`);
    },
  };
}
