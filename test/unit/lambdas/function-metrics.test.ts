import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOperationHandler } from '#lambdas/handlers/operation-handler.ts';
import { createOutboxHandler } from '#lambdas/handlers/outbox-handler.ts';
import { createSweepHandler } from '#lambdas/handlers/sweep-handler.ts';
import { createFunctionMetrics } from '#lambdas/metrics/function-metrics.ts';
import { operations } from '#shared/operations/index.ts';
import { type EmfMetric, readEmfLine } from '#test/support/emf.ts';
import { type InProcess, startInProcess } from '../../support/in-process.ts';
import { captureLog } from './captured-log.ts';
import { apiId, proxyEvent, wireEvent } from './events.ts';

captureLog();
let app: InProcess;
let written: string[];
beforeEach(() => {
  app = startInProcess();
  written = [];
});
afterEach(() => app.close());

const metrics = () =>
  createFunctionMetrics({ deployment: 'prod', operations: new Set(operations.map(({ name }) => name)), now: () => app.clock.now(), write: (text) => void written.push(text) });
const measured = (): EmfMetric[] => written.flatMap((text) => readEmfLine(text.trimEnd()));
const measuredValue = (name: string, dimensions: Record<string, string> = {}): number | undefined =>
  measured().find((metric) => metric.name === name && metric.dimensions.some((set) => JSON.stringify(set) === JSON.stringify({ deployment: 'prod', ...dimensions })))?.values[0];
const serve = (operation: string) => createOperationHandler({ service: app.service, operation, apiId, region: 'eu-west-1', flush: async () => undefined, metrics: metrics() });

describe('a function', () => {
  test('writes one line per request: operation, outcome and key spec', async () => {
    const { KeyId } = (await app.must('CreateKey', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })).KeyMetadata as { KeyId: string };

    await serve('DescribeKey')(wireEvent('DescribeKey', { KeyId }));

    expect(written).toHaveLength(1);
    expect(measuredValue('Requests', { operation: 'DescribeKey', outcome: 'success' })).toBe(1);
    expect(measuredValue('Requests', { keySpec: 'HMAC_256', outcome: 'success' })).toBe(1);
    expect(measuredValue('RequestLatency', { operation: 'DescribeKey' })).toBeGreaterThan(0);
    expect(written[0]).not.toContain(KeyId);
  });

  test('counts refusals by class, and a request that names no operation under `other`', async () => {
    await serve('CreateKey')(proxyEvent({ resource: '/v1/keys', body: '{"KeySpec":"ROT_13"}' }));
    await serve('CreateKey')(wireEvent('SENTINEL', {}));

    expect(measuredValue('Requests', { operation: 'CreateKey', outcome: 'invalid' })).toBe(1);
    expect(measuredValue('Requests', { operation: 'other', outcome: 'not-found' })).toBe(1);
    expect(written.join('')).not.toContain('SENTINEL');
  });

  test('the search for due tasks says what is overdue and for how long, and zero where nothing is', async () => {
    const { KeyId } = (await app.must('CreateKey', {})).KeyMetadata as { KeyId: string };
    await app.must('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    const client = { send: async () => ({ Failed: [] }) } as never;

    await createSweepHandler({ store: app.store, client, queueUrl: 'q', now: () => app.clock.now(), metrics: metrics() })();

    expect(measuredValue('OverdueTasks', { task: 'DELETION' })).toBe(1);
    expect(measuredValue('OldestOverdueAge', { task: 'DELETION' })).toBe(86_400);
    expect(measuredValue('OverdueTasks', { task: 'ROTATION' })).toBe(0);
    expect(measuredValue('SweepRuns')).toBe(1);
  });

  test('a search that broke off reports no run', async () => {
    const store = { query: () => Promise.reject(new Error('down')), getMany: async () => [] };

    await expect(createSweepHandler({ store, client: {} as never, queueUrl: 'q', metrics: metrics() })()).rejects.toThrow();

    expect(measuredValue('SweepRuns')).toBeUndefined();
  });

  test('the age of the outbox is known also when nothing can be published', async () => {
    await app.must('CreateKey', {});
    app.clock.advanceDays(1);
    const audit = { append: () => Promise.reject(new Error('the bus is down')) };

    await expect(createOutboxHandler({ store: app.store, audit, now: () => app.clock.now(), metrics: metrics() })({})).rejects.toThrow();

    expect(measuredValue('OutboxAge')).toBe(86_400);
    expect(measuredValue('OutboxPublishFailures')).toBe(1);
  });
});
