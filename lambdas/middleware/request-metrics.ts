import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { recordRequest } from '#shared/metrics/measured.ts';
import type { ApiResponse } from '#shared/protocols/api-request.ts';
import type { FunctionMetrics } from '../metrics/function-metrics.ts';

const startedAt = new WeakMap<object, number>();

/** Counts the request and writes what was measured during it. What another function answered is counted there. */
export function requestMetrics(metrics: FunctionMetrics): MiddlewareObj<APIGatewayProxyEvent, ApiResponse> {
  return {
    before(request) {
      startedAt.set(request, performance.now());
    },
    after: write,
    onError: write,
  };

  function write(request: { response: ApiResponse | null | undefined }): void {
    const { summary } = request.response ?? {};
    if (summary?.isForwarded !== true) {
      recordRequest(metrics, summary ?? { operation: undefined, errorCode: 'KMSInternalException' }, performance.now() - (startedAt.get(request) ?? performance.now()));
    }
    metrics.flush();
  }
}
