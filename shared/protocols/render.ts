/** Answers in each protocol's own shape. */
import type { KmsError } from '#shared/errors.ts';
import type { ApiResponse, ResponseSummary } from './api-request.ts';
import type { Protocol } from './decode.ts';
import { encodeOutput } from './encode.ts';

const contentTypes = { 'aws-json': 'application/x-amz-json-1.1', rest: 'application/json' } as const;

/** Answers hold key metadata or secrets: nobody may keep them. */
const noStore = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function renderOutput(protocol: Protocol, output: Record<string, unknown> | undefined, summary: ResponseSummary): ApiResponse {
  const headers = { 'content-type': contentTypes[protocol], 'x-amzn-requestid': summary.requestId, ...noStore };
  if (output === undefined) return { status: protocol === 'rest' ? 204 : 200, headers, body: '', summary };
  return { status: 200, headers, body: JSON.stringify(encodeOutput(output)), summary };
}

export function renderError(protocol: Protocol, error: KmsError, summary: ResponseSummary): ApiResponse {
  const common = { 'x-amzn-requestid': summary.requestId, 'x-amzn-errortype': error.code, ...noStore, ...(error.code === 'ThrottlingException' ? { 'retry-after': '1' } : {}) };
  if (protocol === 'rest') {
    const problem = {
      type: `urn:chatelaine:error:${error.code}`,
      title: error.code,
      status: error.restStatus,
      detail: error.publicMessage,
      code: error.code,
      requestId: summary.requestId,
    };
    return { status: error.restStatus, headers: { 'content-type': 'application/problem+json', ...common }, body: JSON.stringify(problem), summary };
  }
  // AWS spells this one member in upper case for AccessDeniedException (research: kms-api 2.2).
  const message = error.publicMessage === undefined ? {} : error.code === 'AccessDeniedException' ? { Message: error.publicMessage } : { message: error.publicMessage };
  return { status: error.status, headers: { 'content-type': contentTypes['aws-json'], ...common }, body: JSON.stringify({ __type: error.code, ...message }), summary };
}
