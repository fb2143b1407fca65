/**
 * What the gateway answers by itself, in the words of the service. It cannot tell the protocols apart, so one document is both: `__type` and `message` for AWS's
 * clients, the members of a problem document for REST. The gateway's own messages name policies and resources; these do not.
 */
import type { KmsErrorCode } from '#shared/errors.ts';

type Answer = readonly [status: string, code: KmsErrorCode | 'MissingAuthenticationTokenException' | 'InvalidSignatureException' | 'ExpiredTokenException', message: string];

const notAllowed = 'You are not authorized to perform this operation.';
const internal: Answer = ['500', 'KMSInternalException', 'The request failed because of an internal error. It can be tried again.'];
const late: Answer = ['504', 'DependencyTimeoutException', 'The service did not answer in time. Try again.'];
const slower: Answer = ['429', 'ThrottlingException', 'Rate exceeded'];

const answers: Readonly<Record<string, Answer>> = {
  ACCESS_DENIED: ['403', 'AccessDeniedException', notAllowed],
  UNAUTHORIZED: ['403', 'AccessDeniedException', notAllowed],
  WAF_FILTERED: ['403', 'AccessDeniedException', notAllowed],
  // Also the answer to a route that does not exist.
  MISSING_AUTHENTICATION_TOKEN: ['403', 'MissingAuthenticationTokenException', 'The request is not signed, or there is no such route.'],
  INVALID_SIGNATURE: ['403', 'InvalidSignatureException', 'The signature of the request does not match.'],
  EXPIRED_TOKEN: ['403', 'ExpiredTokenException', 'The security token of the request has expired.'],
  REQUEST_TOO_LARGE: ['413', 'ValidationException', 'The request is too large.'],
  UNSUPPORTED_MEDIA_TYPE: ['415', 'ValidationException', 'The content type is not supported.'],
  BAD_REQUEST_BODY: ['400', 'ValidationException', 'The request is not valid.'],
  BAD_REQUEST_PARAMETERS: ['400', 'ValidationException', 'The request is not valid.'],
  THROTTLED: slower,
  QUOTA_EXCEEDED: slower,
  INTEGRATION_TIMEOUT: late,
  INTEGRATION_FAILURE: late,
  API_CONFIGURATION_ERROR: internal,
  AUTHORIZER_CONFIGURATION_ERROR: internal,
  DEFAULT_5XX: internal,
  DEFAULT_4XX: ['400', 'ValidationException', 'The request is not valid.'],
};

/** The extension `x-amazon-apigateway-gateway-responses` of the OpenAPI document. */
export const gatewayResponses: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(answers).map(([type, [statusCode, code, message]]) => [
    type,
    {
      statusCode,
      responseParameters: {
        'gatewayresponse.header.x-amzn-errortype': `'${code}'`,
        'gatewayresponse.header.cache-control': "'no-store'",
        'gatewayresponse.header.x-content-type-options': "'nosniff'",
        ...(code === 'ThrottlingException' ? { 'gatewayresponse.header.retry-after': "'1'" } : {}),
      },
      responseTemplates: { 'application/json': body(Number(statusCode), code, message) },
    },
  ]),
);

function body(status: number, code: string, message: string): string {
  const problem = { type: `urn:chatelaine:error:${code}`, title: code, status, detail: message, code, requestId: '$context.requestId' };
  // AWS spells this one member in upper case for AccessDeniedException.
  return JSON.stringify({ __type: code, [code === 'AccessDeniedException' ? 'Message' : 'message']: message, ...problem });
}
