import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { descriptorOf, type MetricName, metricNames } from '#shared/metrics/descriptors.ts';
import { dimensionNames } from '#shared/metrics/dimensions.ts';
import { emfLines } from '#shared/metrics/emf.ts';
import { MetricRecorder } from '#shared/metrics/metric-recorder.ts';
import { readEmf } from '#shared/metrics/read-emf.ts';
import { readEmfLine } from '#test/support/emf.ts';

const operations = new Set(['Encrypt', 'CreateKey']);
const given = fc.record(Object.fromEntries(dimensionNames.map((name) => [name, fc.string({ maxLength: 80 })])), { requiredKeys: [] });

describe('metric lines', () => {
  test('keep to the specification, whatever is recorded', () => {
    const values = fc.array(fc.tuple(fc.constantFrom(...metricNames), fc.double(), given), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, (recorded) => {
        const recorder = new MetricRecorder(operations);
        for (const [name, value, dimensions] of recorded) recorder.record(name, value, dimensions);

        for (const line of emfLines(recorder.take(), 'chatelaine', 1_700_000_000_000)) {
          for (const { name, namespace, dimensions } of readEmfLine(line)) {
            expect(namespace).toBe('Chatelaine');
            expect(dimensions.map((set) => Object.keys(set))).toEqual(descriptorOf(name as MetricName).sets.map((set) => ['deployment', ...set]));
          }
        }
      }),
    );
  });

  test('what CloudWatch refuses is not recorded, and no sum overflows', () => {
    const recorder = new MetricRecorder(operations);
    const counter = metricNames.find((name) => descriptorOf(name).kind === 'counter')!;
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_VALUE, 1]) recorder.record(counter, value, {});

    expect(recorder.take().map(({ values }) => values)).toEqual([[1]]);
  });

  test('a text that is on no list is `other`: nothing of a caller gets into a metric', () => {
    fc.assert(
      fc.property(fc.constantFrom(...metricNames), fc.stringMatching(/^SENTINEL-[0-9a-f]{32}$/), (name, sentinel) => {
        const recorder = new MetricRecorder(operations);
        recorder.record(name, 1, Object.fromEntries(dimensionNames.map((dimension) => [dimension, sentinel])));

        expect(emfLines(recorder.take(), 'chatelaine', 0).join('\n')).not.toContain(sentinel);
      }),
    );
  });

  test('counters add up, gauges keep the last, distributions keep each value and at most a hundred', () => {
    const recorder = new MetricRecorder(operations, () => 0);
    for (const value of [1, 2]) recorder.record('WorkersLost', value);
    for (const value of [1, 0]) recorder.record('BridgeReady', value);
    for (let value = 1; value <= 150; value += 1) recorder.record('BridgeCallLatency', value);

    const samples = new Map(recorder.take().map(({ name, values }) => [name, values]));

    expect(samples.get('WorkersLost')).toEqual([3]);
    expect(samples.get('BridgeReady')).toEqual([0]);
    expect(samples.get('BridgeCallLatency')).toHaveLength(100);
    expect(samples.get('BridgeCallLatency')).toContain(150);
    expect(recorder.take()).toEqual([]);
  });

  test('one line of a request holds its count and its latency', () => {
    const recorder = new MetricRecorder(operations);
    const dimensions = { operation: 'Encrypt', outcome: 'success', keySpec: 'SYMMETRIC_DEFAULT' };
    recorder.record('Requests', 1, dimensions);
    recorder.record('RequestLatency', 7.5, dimensions);

    const lines = emfLines(recorder.take(), 'prod', 0);

    expect(lines).toHaveLength(1);
    expect(readEmfLine(lines[0]!)).toEqual([
      {
        namespace: 'Chatelaine',
        name: 'Requests',
        values: [1],
        dimensions: [
          { deployment: 'prod', operation: 'Encrypt', outcome: 'success' },
          { deployment: 'prod', keySpec: 'SYMMETRIC_DEFAULT', outcome: 'success' },
          { deployment: 'prod', outcome: 'success' },
          { deployment: 'prod' },
        ],
      },
      { namespace: 'Chatelaine', name: 'RequestLatency', values: [7.5], dimensions: [{ deployment: 'prod', operation: 'Encrypt' }, { deployment: 'prod' }] },
    ]);
  });

  test('read back, they give what was recorded; other lines give nothing', () => {
    const recorder = new MetricRecorder();
    const read = new MetricRecorder();
    recorder.record('BridgeJobs', 3, { lane: 'slow' });
    recorder.record('BridgeQueueWait', 3, { lane: 'fast' });
    recorder.record('BridgeQueueWait', 4, { lane: 'fast' });
    const samples = recorder.take();

    for (const line of emfLines(samples, 'chatelaine', 0)) expect(readEmf(JSON.parse(line), read)).toBe(true);
    for (const line of [{}, { event: 'ready' }, { _aws: 7 }, null, 'text']) expect(readEmf(line, read)).toBe(false);

    expect(read.take()).toEqual(samples.map((sample) => expect.objectContaining({ name: sample.name, dimensions: sample.dimensions, values: sample.values })));
  });
});
