/** What surrounds every function behind API Gateway. The order is the contract: the log line is written last and sees what was answered. */
import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import type { ApiRequest, ApiResponse } from '#shared/protocols/api-request.ts';
import { type FunctionMetrics, unmeasured } from '../metrics/function-metrics.ts';
import { accessLog } from '../middleware/access-log.ts';
import { errorEnvelope } from '../middleware/error-envelope.ts';
import { flushAlarms } from '../middleware/flush-alarms.ts';
import { requestMetrics } from '../middleware/request-metrics.ts';
import { toApiRequest } from './api-request.ts';

export type AnswerRequest = (event: APIGatewayProxyEvent, request: ApiRequest) => Promise<ApiResponse>;

export interface ApiPipelineSettings {
  readonly flush: () => Promise<void>;
  readonly metrics?: FunctionMetrics;
}

export function apiPipeline({ flush, metrics = unmeasured }: ApiPipelineSettings, answer: AnswerRequest): (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult> {
  const pipeline = middy<APIGatewayProxyEvent, ApiResponse>()
    .use(accessLog())
    .use(requestMetrics(metrics))
    .use(flushAlarms(flush))
    .use(errorEnvelope())
    .handler((event) => answer(event, toApiRequest(event)));
  return async (event) => {
    const { status, headers, body } = await (pipeline as unknown as (event: APIGatewayProxyEvent, context: Context) => Promise<ApiResponse>)(event, {} as Context);
    return { statusCode: status, headers: { ...headers }, body };
  };
}
