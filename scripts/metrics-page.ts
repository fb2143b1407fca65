/** docs/metrics.md: the table of metrics for people. */
import { deploymentDimension, descriptorOf, metricNames, metricNamespace } from '#shared/metrics/descriptors.ts';
import { prometheusName } from '#shared/metrics/prometheus-page.ts';

export function metricsPage(notice: string): string {
  const rows = metricNames.map((name) => {
    const descriptor = descriptorOf(name);
    const sets = descriptor.sets.map((set) => (set.length === 0 ? 'whole' : set.join(' + '))).join('; ');
    return `| \`${name}\`<br>\`${prometheusName(name, descriptor)}\` | ${descriptor.kind}, ${descriptor.unit} | ${sets} | ${descriptor.meaning} |`;
  });
  return [
    '# Metrics',
    notice,
    `On AWS in CloudWatch, namespace \`${metricNamespace}\`, by the embedded metric format in the logs of functions and bridge; every combination also has \`${deploymentDimension}\`. On the single node at \`GET /metrics\` in Prometheus text, for this machine only and without a signature, but with the token that the data directory has in \`metrics-token\` (mode 0600; remove the file and start again for another): \`curl -H "Authorization: Bearer $(cat .chatelaine/metrics-token)" http://127.0.0.1:4599/metrics\`, or \`authorization: { credentials_file: … }\` in the configuration of Prometheus. No key id, account, ARN or text of a caller can be in a metric ([decision 0035](adr/0035-metrics-from-one-table.md)).`,
    'The single node has no metrics of the HSM control plane and of the archive. Distributions of the bridge are samples of at most 100 values every ten seconds there (`CHATELAINE_METRICS_SECONDS`), and every 30 seconds on AWS; counts are exact. `BridgeQueueWait` overstates a little when answers come in bursts.',
    ['| Metric, and its name in Prometheus | Kind | By | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    'A bridge that you run yourself writes its lines when its configuration has `"metrics": { "deployment": "chatelaine" }`. Send its standard output to a log group of CloudWatch, and its metrics appear beside those of the functions.',
    '',
  ].join('\n\n');
}
