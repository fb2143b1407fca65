import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { KmsError } from '#shared/errors.ts';
import { newUuid } from '#shared/ids.ts';
import type { ApiResponse } from '#shared/protocols/api-request.ts';
import { renderError } from '#shared/protocols/render.ts';
import { isRestRoute } from '../handlers/api-request.ts';
import { errorNames, logLine } from '../log-line.ts';

/** The last net: the pipeline does not throw, so what comes here is a fault of the program. The caller learns nothing of it. */
export function errorEnvelope(): MiddlewareObj<APIGatewayProxyEvent, ApiResponse> {
  return {
    onError(request) {
      const requestId = newUuid();
      logLine('error', { event: 'unexpected-error', requestId, errors: errorNames(request.error) });
      const error = new KmsError('KMSInternalException', 'The request failed because of an internal error. It can be tried again.');
      const protocol = isRestRoute(request.event) ? 'rest' : 'aws-json';
      request.response = renderError(protocol, error, { requestId, operation: undefined, principalArn: undefined, errorCode: error.code });
    },
  };
}
