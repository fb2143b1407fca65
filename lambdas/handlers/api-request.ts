/** From API Gateway's proxy event to the neutral request of the protocols. */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { ApiRequest } from '#shared/protocols/api-request.ts';

export function toApiRequest(event: APIGatewayProxyEvent): ApiRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(event.headers ?? {})) if (typeof value === 'string') headers[name.toLowerCase()] = value;
  // IAM authorized the caller for this route and these path members: a header must not turn the request into another one.
  if (isRestRoute(event)) delete headers['x-amz-target'];
  return {
    method: event.httpMethod ?? '',
    path: pathOf(event),
    query: queryOf(event),
    headers,
    body: Buffer.from(event.body ?? '', event.isBase64Encoded === true ? 'base64' : 'utf8'),
    sourceIp: event.requestContext?.identity?.sourceIp ?? 'unknown',
  };
}

export function isRestRoute(event: APIGatewayProxyEvent): boolean {
  return typeof event.resource === 'string' && event.resource.startsWith('/v1/');
}

/**
 * The route's template with its parameters put back in. `event.path` will not do: whether it still carries percent-encoding depends on the gateway,
 * and `alias/name` in one segment must stay in one segment.
 */
function pathOf(event: APIGatewayProxyEvent): string {
  return (event.resource ?? '').replaceAll(/\{([A-Za-z]+)\}/g, (_, name: string) => encodeURIComponent(decoded(event.pathParameters?.[name] ?? '')));
}

/** No parameter of ours holds a percent sign of its own, so one that does was not decoded yet. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function queryOf(event: APIGatewayProxyEvent): string {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(event.multiValueQueryStringParameters ?? {})) for (const value of values ?? []) query.append(name, value);
  if (query.size > 0) return query.toString();
  for (const [name, value] of Object.entries(event.queryStringParameters ?? {})) if (value !== undefined) query.append(name, value);
  return query.toString();
}
