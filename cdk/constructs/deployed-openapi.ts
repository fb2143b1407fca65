/**
 * The OpenAPI document as it is deployed: the generated routes with their integration and IAM authorization. Schemas stay out (docs/adr/0014): a gateway
 * that refuses a request by itself leaves no audit record of it.
 */

import { openApiDocument, wireOperationId } from '#shared/openapi.ts';
import type { Operation } from '#shared/operation.ts';
import { gatewayResponses } from '../api/gateway-responses.ts';

/** @param integrationUri of an operation's function; of the wire dispatcher without an operation */
export function deployedOpenApi(operations: readonly Operation[], integrationUri: (operation?: string) => string): Record<string, unknown> {
  const { openapi, info, paths } = openApiDocument(operations, '1');
  return {
    openapi,
    info: { title: info.title, version: info.version, description: info.description },
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, methods]) => [
        path,
        Object.fromEntries(
          Object.entries(methods).map(([method, { operationId, summary, parameters = [] }]) => [
            method,
            {
              operationId,
              summary,
              parameters: parameters
                .filter(({ in: place }) => place === 'path')
                .map(({ name, in: place, required }) => ({ name, in: place, required, schema: { type: 'string' } })),
              responses: { default: { description: 'See docs/api/openapi.json.' } },
              security: [{ sigv4: [] }],
              'x-amazon-apigateway-auth': { type: 'AWS_IAM' },
              'x-amazon-apigateway-integration': {
                type: 'aws_proxy',
                httpMethod: 'POST',
                uri: integrationUri(operationId === wireOperationId ? undefined : operationId),
                passthroughBehavior: 'when_no_match',
                timeoutInMillis: 29_000,
              },
            },
          ]),
        ),
      ]),
    ),
    'x-amazon-apigateway-gateway-responses': gatewayResponses,
    components: { securitySchemes: { sigv4: { type: 'apiKey', name: 'Authorization', in: 'header', 'x-amazon-apigateway-authtype': 'awsSigv4' } } },
  };
}
