/** One operation behind its REST route, and behind the wire protocol when the dispatcher hands its event on (docs/adr/0010). */
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { Service } from '#shared/pipeline/service.ts';
import { handleApiRequest } from '#shared/protocols/handle-api-request.ts';
import { callerOfEvent } from '../identity/caller-of-event.ts';
import type { FunctionMetrics } from '../metrics/function-metrics.ts';
import { apiPipeline } from './api-pipeline.ts';
import { requireBoundedBody } from './require-bounded-body.ts';

export interface OperationHandlerSettings {
  readonly service: Service;
  readonly operation: string;
  readonly apiId: string;
  readonly region: string;
  readonly flush: () => Promise<void>;
  readonly metrics?: FunctionMetrics;
}

/** @throws Error at start when there is no such operation */
export function createOperationHandler(settings: OperationHandlerSettings): (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult> {
  const { service, operation, apiId, region } = settings;
  const definition = service.operations.get(operation);
  if (definition === undefined) throw new Error(`There is no operation ${operation}.`);
  // The role of the function is for this operation only; another's request is unknown here.
  const serviceOfOne: Service = { ...service, operations: new Map([[operation, definition]]) };
  return apiPipeline(settings, (event, request) =>
    handleApiRequest(serviceOfOne, request, () => {
      const caller = callerOfEvent(event, { apiId, region });
      requireBoundedBody(request);
      return caller;
    }),
  );
}
