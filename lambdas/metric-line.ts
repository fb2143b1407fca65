/** Metrics in CloudWatch's embedded format: one line of the log, no request. */
export function metricLine(Namespace: string, metrics: Readonly<Record<string, readonly [number, 'Count' | 'None']>>): void {
  const Metrics = Object.entries(metrics).map(([Name, [, Unit]]) => ({ Name, Unit }));
  const values = Object.fromEntries(Object.entries(metrics).map(([name, [value]]) => [name, value]));
  console.log(JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace, Dimensions: [[]], Metrics }] }, ...values }));
}
