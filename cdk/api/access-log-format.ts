import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';

/** One line per request, enough to find it in the audit trail, in the WAF's log and at the caller. Never a header or a body. */
const fields = {
  requestId: '$context.requestId',
  extendedRequestId: '$context.extendedRequestId',
  time: '$context.requestTimeEpoch',
  method: '$context.httpMethod',
  resourcePath: '$context.resourcePath',
  status: '$context.status',
  protocol: '$context.protocol',
  tlsVersion: '$context.tlsVersion',
  accountId: '$context.accountId',
  callerAccountId: '$context.identity.accountId',
  principalOrgId: '$context.identity.principalOrgId',
  userArn: '$context.identity.userArn',
  caller: '$context.identity.caller',
  sourceIp: '$context.identity.sourceIp',
  vpcEndpointId: '$context.identity.vpceId',
  integrationStatus: '$context.integration.status',
  integrationLatencyMs: '$context.integration.latency',
  latencyMs: '$context.responseLatency',
  responseLength: '$context.responseLength',
  responseType: '$context.error.responseType',
  authorizeError: '$context.authorize.error',
  wafStatus: '$context.waf.status',
} as const;

export const accessLogFormat = AccessLogFormat.custom(JSON.stringify(fields));
