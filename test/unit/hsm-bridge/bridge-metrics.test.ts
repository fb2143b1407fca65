import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BridgeMetrics } from '#bridge/bridge-metrics.ts';
import { readEmfLine } from '#test/support/emf.ts';

const folder = mkdtempSync(join(tmpdir(), 'chatelaine-bridge-metrics-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lane = { queued: 3, busyPercent: 50, takeReopened: () => 2 };
const parts = { lanes: { fast: lane, slow: { ...lane, takeReopened: () => 0 } }, ready: () => false, cachedKeys: () => 7 };
const config = { deployment: 'prod', everySeconds: 300 };

function measuredBy(act: (metrics: BridgeMetrics) => void): Map<string, number | undefined> {
  const written: string[] = [];
  const missing = join(folder, 'none.crt');
  const metrics = new BridgeMetrics(config, { bridge: missing, authority: missing }, (text) => void written.push(text));
  metrics.start(parts);
  act(metrics);
  metrics.stop();
  return new Map(written.flatMap((text) => readEmfLine(text)).map(({ name, values, dimensions }) => [[name, ...Object.values(dimensions[0]!).slice(1)].join(' '), values[0]]));
}

test('queue, waits, errors and sessions go into lines of the specification', () => {
  const measured = measuredBy((metrics) => {
    metrics.jobDone('fast', 12);
    metrics.jobDone('fast', -0.001);
    metrics.answered('busy');
    metrics.hsmFailed('token-lost');
    metrics.workerLost();
  });

  expect(Object.fromEntries(measured)).toMatchObject({
    'BridgeJobs fast': 2,
    'BridgeQueueLength fast': 3,
    'BridgeBusyWorkers slow': 50,
    'BridgeAnswers busy': 1,
    'HsmErrors token-lost': 1,
    WorkersLost: 1,
    SessionsReopened: 2,
    BridgeReady: 0,
    CachedKeys: 7,
  });
});

test('of the client certificates seen, the one that ends first counts; none seen, or a file that cannot be read, says nothing', () => {
  const dayMs = 86_400_000;
  writeFileSync(join(folder, 'none.crt'), 'no certificate');

  const measured = measuredBy((metrics) => {
    metrics.connected(new Date(Date.now() + 30 * dayMs));
    metrics.connected(new Date(Date.now() + 3 * dayMs));
  });

  expect(measured.get('CertificateDaysLeft client')).toBeCloseTo(3, 2);
  expect(measuredBy(() => undefined).has('CertificateDaysLeft client')).toBe(false);
  expect(measured.has('CertificateDaysLeft bridge')).toBe(false);
});
