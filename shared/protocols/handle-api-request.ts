/** From an HTTP request to an HTTP answer: the same for the single node and for Lambda. Never throws. */
import type { AuditRecord } from '#shared/audit/audit-record.ts';
import type { KmsError } from '#shared/errors.ts';
import { newEventId, newUuid } from '#shared/ids.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import { execute, outcomeOf, recordOrWithhold } from '#shared/pipeline/execute.ts';
import { reportFaults } from '#shared/pipeline/fault.ts';
import type { Service } from '#shared/pipeline/service.ts';
import { toKmsError } from '#shared/pipeline/to-kms-error.ts';
import type { ApiRequest, ApiResponse } from './api-request.ts';
import { type Decoded, decodeAwsJson, decodeRest, protocolOf, targetName } from './decode.ts';
import { renderError, renderOutput } from './render.ts';
import { RestRoutes } from './rest-routes.ts';

const routesOf = new WeakMap<Service, RestRoutes>();

function restRoutes(service: Service): RestRoutes {
  const routes = routesOf.get(service) ?? new RestRoutes(service.operations.values());
  routesOf.set(service, routes);
  return routes;
}

/** @param authenticate gives the verified caller or throws a KmsError, which is audited and rendered like every other */
export async function handleApiRequest(service: Service, request: ApiRequest, authenticate: (request: ApiRequest) => Caller | Promise<Caller>): Promise<ApiResponse> {
  const protocol = protocolOf(request);
  const requestId = newUuid();
  let operation = targetName(request);
  let caller: Caller | undefined;
  let keySpec: string | undefined;
  const summary = (errorCode?: string) => ({ requestId, operation, principalArn: caller?.principalArn, errorCode, keySpec });

  let decoded: Decoded;
  try {
    caller = await authenticate(request);
    decoded = protocol === 'rest' ? decodeRest(request, restRoutes(service)) : decodeAwsJson(request, service.operations);
  } catch (thrown) {
    const error = await auditRefusal(service, request, { requestId, operation, caller, protocol }, toKmsError(thrown));
    return renderError(protocol, error, summary(error.code));
  }

  operation = decoded.operation.name;
  try {
    const output = await execute(service, {
      operation: decoded.operation,
      protocol,
      requestId,
      caller,
      readMembers: decoded.readMembers,
      strict: protocol === 'rest',
      sourceIp: request.sourceIp,
      userAgent: request.headers['user-agent'],
      onKeySpec: (spec) => {
        keySpec = spec;
      },
    });
    return renderOutput(protocol, output, summary());
  } catch (thrown) {
    const error = toKmsError(thrown);
    // What execute() throws it has reported; anything else is an answer that could not be rendered.
    if (error !== thrown) reportFaults(service, { operation, requestId }, [error]);
    return renderError(protocol, error, summary(error.code));
  }
}

type RecordingService = Pick<Service, 'audit' | 'alarms' | 'clock' | 'onFault'>;

/** For a front that refuses a request before any operation could see it. @param caller undefined when it is not known who calls */
export async function refuseApiRequest(service: RecordingService, request: ApiRequest, caller: Caller | undefined, refusal: KmsError): Promise<ApiResponse> {
  const refused = { requestId: newUuid(), operation: targetName(request), caller, protocol: protocolOf(request) };
  const error = await auditRefusal(service, request, refused, refusal);
  return renderError(refused.protocol, error, { requestId: refused.requestId, operation: refused.operation, principalArn: caller?.principalArn, errorCode: error.code });
}

interface RefusedRequest {
  readonly requestId: string;
  readonly operation: string | undefined;
  readonly caller: Caller | undefined;
  readonly protocol: AuditRecord['protocol'];
}

/** Requests that no operation ever saw (not authenticated, unknown operation) leave their record here. */
async function auditRefusal(service: RecordingService, request: ApiRequest, refused: RefusedRequest, error: KmsError): Promise<KmsError> {
  const now = service.clock.now();
  const { caller, requestId, operation = 'unknown' } = refused;
  reportFaults(service, { operation, requestId }, [error]);
  const record: AuditRecord = {
    format: 1,
    eventId: newEventId(now),
    time: new Date(now).toISOString(),
    requestId,
    operation,
    protocol: refused.protocol,
    outcome: outcomeOf(error),
    errorCode: error.code,
    principal: caller === undefined ? undefined : { arn: caller.principalArn, id: caller.principalId, account: caller.account, accessKeyId: caller.accessKeyId },
    sourceIp: request.sourceIp,
    userAgent: request.headers['user-agent']?.slice(0, 512),
    region: caller?.region,
    resources: [],
    parameters: {},
  };
  try {
    await recordOrWithhold(service, record);
    return error;
  } catch (withheld) {
    return toKmsError(withheld);
  }
}
