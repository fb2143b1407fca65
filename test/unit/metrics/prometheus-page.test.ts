import { expect, test } from 'vitest';
import { descriptorOf, metricNames } from '#shared/metrics/descriptors.ts';
import { PrometheusPage, prometheusName } from '#shared/metrics/prometheus-page.ts';

const operations = new Set(['Encrypt']);

test('counters, gauges and histograms in base units, with every label from a list', () => {
  const page = new PrometheusPage(operations);
  for (const latencyMs of [0.5, 40, 60_000]) page.record('RequestLatency', latencyMs, { operation: 'Encrypt', outcome: 'success', keySpec: 'AES' });
  page.record('WorkersLost', 2);
  page.record('WorkersLost', 1);
  page.record('BridgeReady', 1);
  page.record('BridgeReady', 0);

  const text = page.text();

  expect(text).toContain('# TYPE chatelaine_request_latency_seconds histogram');
  expect(text).toContain('chatelaine_request_latency_seconds_bucket{operation="Encrypt",outcome="success",key_spec="other",le="0.001"} 1');
  expect(text).toContain('chatelaine_request_latency_seconds_bucket{operation="Encrypt",outcome="success",key_spec="other",le="0.05"} 2');
  expect(text).toContain('chatelaine_request_latency_seconds_bucket{operation="Encrypt",outcome="success",key_spec="other",le="+Inf"} 3');
  expect(text).toContain('chatelaine_request_latency_seconds_sum{operation="Encrypt",outcome="success",key_spec="other"} 60.0405');
  expect(text).toContain('# TYPE chatelaine_workers_lost_total counter\nchatelaine_workers_lost_total 3\n');
  expect(text).toContain('chatelaine_bridge_ready 0\n');
});

test('every metric has a name of its own that Prometheus takes', () => {
  const names = metricNames.map((name) => prometheusName(name, descriptorOf(name)));

  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^chatelaine_[a-z][a-z_]*[a-z]$/);
});
