import type { MiddlewareObj } from '@middy/core';
import type { FunctionMetrics } from '../metrics/function-metrics.ts';

/** Writes what was measured during a batch or a run of the schedule, whether or not it succeeded. */
export function batchMetrics<Event, Result>(metrics: Pick<FunctionMetrics, 'flush'>): MiddlewareObj<Event, Result> {
  return { after: () => metrics.flush(), onError: () => metrics.flush() };
}
