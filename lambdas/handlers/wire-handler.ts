/**
 * POST / of the wire protocol: finds the operation that X-Amz-Target names and hands API Gateway's event to that operation's function, untouched.
 * It reads no table and has no certificate for the bridge; what it may do is invoke the operations' functions (docs/adr/0010).
 */
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { Service } from '#shared/pipeline/service.ts';
import { toKmsError } from '#shared/pipeline/to-kms-error.ts';
import { isKeptFromDestroying } from '#shared/policy/custodian.ts';
import type { ApiRequest, ApiResponse } from '#shared/protocols/api-request.ts';
import { targetName } from '#shared/protocols/decode.ts';
import { refuseApiRequest } from '#shared/protocols/handle-api-request.ts';
import { callerOfEvent } from '../identity/caller-of-event.ts';
import { errorNames, logLine } from '../log-line.ts';
import type { FunctionMetrics } from '../metrics/function-metrics.ts';
import { apiPipeline } from './api-pipeline.ts';
import { requireBoundedBody } from './require-bounded-body.ts';

export interface WireHandlerSettings {
  readonly client: Pick<LambdaClient, 'send'>;
  /** For refusals: a forwarded request is recorded by the function that answers it. */
  readonly service: Pick<Service, 'audit' | 'alarms' | 'clock' | 'onFault'>;
  readonly operationNames: ReadonlySet<string>;
  readonly functionName: (operation: string) => string;
  readonly apiId: string;
  readonly region: string;
  /** Beginning of the ARNs of the only sessions that may use destructive operations; absent: the service's own roles decide alone. */
  readonly custodianSessions?: string | undefined;
  readonly flush: () => Promise<void>;
  readonly metrics?: FunctionMetrics;
  /** API Gateway gives up after 29 seconds. */
  readonly timeoutMs?: number;
}

const proxyResult = z.object({ statusCode: z.int(), headers: z.record(z.string(), z.string()), body: z.string() });

export function createWireHandler(settings: WireHandlerSettings): (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult> {
  const { service, apiId, region } = settings;
  return apiPipeline(settings, async (event, request) => {
    let caller: Caller | undefined;
    try {
      caller = callerOfEvent(event, { apiId, region });
      requireBoundedBody(request);
      const operation = targetName(request);
      if (request.method !== 'POST' || operation === undefined || !settings.operationNames.has(operation)) throw new KmsError('UnknownOperationException');
      if (isKeptFromDestroying(operation, caller.principalArn, settings.custodianSessions)) throw new KmsError('AccessDeniedException');
      return await forward(settings, operation, event, caller);
    } catch (error) {
      return await refuse(service, request, caller, error);
    }
  });
}

/** @throws KmsError when the function gave no answer of its own */
async function forward({ client, functionName, timeoutMs = 28_000 }: WireHandlerSettings, operation: string, event: APIGatewayProxyEvent, caller: Caller): Promise<ApiResponse> {
  const command = new InvokeCommand({ FunctionName: functionName(operation), Payload: Buffer.from(JSON.stringify(event)) });
  const answer = await client.send(command, { abortSignal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
    throw unreachable(error);
  });
  const result = proxyResult.safeParse(answer.FunctionError === undefined ? parse(answer.Payload) : undefined);
  // The function may have died before it could record the request, so a record is made here; then there may be two.
  if (!result.success) throw new KmsError('KMSInternalException', 'The request failed because of an internal error. It can be tried again.');
  const { statusCode, headers, body } = result.data;
  const summary = { requestId: headers['x-amzn-requestid'] ?? '', operation, principalArn: caller.principalArn, errorCode: headers['x-amzn-errortype'], isForwarded: true };
  return { status: statusCode, headers, body, summary };
}

function parse(payload: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(payload ?? []).toString('utf8'));
  } catch {
    return undefined;
  }
}

function unreachable(error: unknown): KmsError {
  const isThrottled = error instanceof Error && (error.name === 'TooManyRequestsException' || error.name === 'ThrottlingException');
  logLine('error', { event: 'operation-function-unreachable', errors: errorNames(error) });
  return isThrottled
    ? new KmsError('ThrottlingException', 'Rate exceeded', { cause: error })
    : new KmsError('DependencyTimeoutException', 'The service did not answer in time. Try again.', { cause: error });
}

const refuse = (service: WireHandlerSettings['service'], request: ApiRequest, caller: Caller | undefined, error: unknown): Promise<ApiResponse> =>
  refuseApiRequest(service, request, caller, toKmsError(error));
