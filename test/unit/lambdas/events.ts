/** API Gateway's proxy events, queue messages and stream records, as the functions get them. */
import type { APIGatewayProxyEvent, DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';

export const apiId = 'api1234567';
export const identity = {
  accountId: '111122223333',
  accessKey: 'ASIAALICE00000000001',
  caller: 'AROAALICE0000000001:alice',
  user: 'AROAALICE0000000001:alice',
  userArn: 'arn:aws:sts::111122223333:assumed-role/Developer/alice',
  sourceIp: '192.0.2.7',
  userAgent: 'test',
};

export interface EventOptions {
  readonly method?: string;
  readonly resource?: string;
  readonly pathParameters?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string[]>;
  readonly body?: string;
  readonly apiId?: string;
  readonly identity?: Partial<typeof identity> | Record<string, unknown>;
}

export function proxyEvent(options: EventOptions = {}): APIGatewayProxyEvent {
  const resource = options.resource ?? '/';
  return {
    httpMethod: options.method ?? 'POST',
    resource,
    path: resource,
    pathParameters: options.pathParameters ?? null,
    headers: options.headers ?? {},
    multiValueHeaders: {},
    queryStringParameters: null,
    multiValueQueryStringParameters: options.query ?? null,
    body: options.body ?? null,
    isBase64Encoded: false,
    stageVariables: null,
    requestContext: { apiId: options.apiId ?? apiId, requestId: 'gateway-request', identity: options.identity ?? identity },
  } as unknown as APIGatewayProxyEvent;
}

export const wireEvent = (operation: string, members: unknown, options: EventOptions = {}): APIGatewayProxyEvent =>
  proxyEvent({
    ...options,
    headers: { 'X-Amz-Target': `TrentService.${operation}`, 'Content-Type': 'application/x-amz-json-1.1', ...options.headers },
    body: JSON.stringify(members),
  });

export const queueEvent = (...bodies: string[]): SQSEvent => ({ Records: bodies.map((body, at) => ({ messageId: `message-${at}`, body })) }) as unknown as SQSEvent;

export const streamEvent = (...rows: { pk: string; sk: string; body: unknown }[]): DynamoDBStreamEvent =>
  ({
    Records: rows.map(({ pk, sk, body }, at) => ({
      eventName: 'INSERT',
      dynamodb: { SequenceNumber: `sequence-${at}`, Keys: { pk: { S: pk }, sk: { S: sk } }, NewImage: { pk: { S: pk }, sk: { S: sk }, body: { S: JSON.stringify(body) } } },
    })),
  }) as unknown as DynamoDBStreamEvent;
