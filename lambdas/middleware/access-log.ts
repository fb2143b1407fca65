import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { ApiResponse } from '#shared/protocols/api-request.ts';
import { logLine } from '../log-line.ts';

const startedAt = new WeakMap<object, number>();

/** One line per request: who, what, how it ended. Never a header, a query or a body. */
export function accessLog(): MiddlewareObj<APIGatewayProxyEvent, ApiResponse> {
  return {
    before(request) {
      startedAt.set(request, performance.now());
    },
    after: write,
    onError: write,
  };

  function write(request: { event: APIGatewayProxyEvent; response: ApiResponse | null | undefined }): void {
    const { summary, status } = request.response ?? {};
    logLine('info', {
      event: 'request',
      requestId: summary?.requestId,
      gatewayRequestId: request.event.requestContext?.requestId,
      operation: summary?.operation,
      principalArn: summary?.principalArn,
      status,
      errorCode: summary?.errorCode,
      durationMs: Math.round((performance.now() - (startedAt.get(request) ?? performance.now())) * 10) / 10,
    });
  }
}
