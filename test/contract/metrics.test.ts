/** What the service hands to its metrics, over every operation: never a key, an account, a principal or a text of the caller. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emfLines } from '#shared/metrics/emf.ts';
import { recordRequest } from '#shared/metrics/measured.ts';
import { MetricRecorder } from '#shared/metrics/metric-recorder.ts';
import { PrometheusPage } from '#shared/metrics/prometheus-page.ts';
import { operations } from '#shared/operations/index.ts';
import { readEmfLine } from '#test/support/emf.ts';
import { alice, type InProcess, mallory, startInProcess } from '#test/support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';

const names = new Set(operations.map(({ name }) => name));
let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

test.each(operations.map(({ name }) => name))('%s: done, refused and spoiled, its metrics hold nothing of the request', async (name) => {
  const members = await sampleRequest(app, keys, name);
  const before = app.audit.length;
  const answers = [
    await app.call(name, members, { caller: mallory }),
    await app.call(name, { ...members, KeyId: 'SENTINEL-key-id', Marker: 'SENTINEL-marker' }),
    await app.call(name, members),
  ];
  const recorder = new MetricRecorder(names);
  const page = new PrometheusPage(names);

  for (const { raw } of answers) for (const sink of [recorder, page]) recordRequest(sink, raw.summary, 1);

  const lines = emfLines(recorder.take(), 'chatelaine', 0);
  const text = [...lines, page.text()].join('\n');
  expect(lines.flatMap(readEmfLine).some(({ dimensions }) => dimensions.some(({ operation }) => operation === name))).toBe(true);
  const resources = app.audit.slice(before).flatMap((record) => record.resources.map(({ arn }) => arn));
  for (const secret of [...resources, ...resources.map((arn) => arn.split('/').at(-1)!), alice.account, alice.principalArn, mallory.account, 'SENTINEL', 'arn:aws'])
    expect(text).not.toContain(secret);
});
