import { faults, type Rule } from './rule.ts';

type Route = Readonly<Record<string, unknown>>;

/** cdk-nag looks at methods and not into an OpenAPI body, where all of ours are. */
export const routesAreAuthorized: Rule = {
  name: 'routes-are-authorized',
  because: 'A route without IAM authorization is open to the internet, and its function would believe no caller or a wrong one.',
  check: (deployed) => [
    ...deployed.of('AWS::ApiGateway::RestApi').flatMap((at) => {
      const paths = Object.entries((at.resource.Properties.Body?.paths ?? {}) as Record<string, Record<string, Route>>);
      if (paths.length === 0) return [{ at, what: 'has no routes in its body' }];
      return paths.flatMap(([path, methods]) =>
        Object.entries(methods).flatMap(([method, route]) =>
          isClosed(method, route) ? [] : [{ at, what: `${method.toUpperCase()} ${path} does not demand IAM authorization of one method` }],
        ),
      );
    }),
    ...faults(
      deployed.of('AWS::ApiGateway::Method'),
      'does not demand IAM authorization',
      ({ Properties }) => Properties.AuthorizationType !== 'AWS_IAM' || Properties.HttpMethod === 'ANY',
    ),
    ...faults(deployed.of('AWS::ApiGatewayV2::Api'), 'is an HTTP API, which has no resource policy and no web ACL', () => true),
    ...faults(deployed.of('AWS::Lambda::Url'), 'is a way to a function around the API', () => true),
  ],
};

function isClosed(method: string, route: Route): boolean {
  const { type } = (route['x-amazon-apigateway-auth'] ?? {}) as { type?: unknown };
  const schemes = Array.isArray(route.security) ? route.security.map((scheme) => Object.keys(scheme as object).join()) : [];
  return ['get', 'post', 'put', 'delete', 'patch'].includes(method) && type === 'AWS_IAM' && schemes.length === 1 && schemes[0] === 'sigv4';
}
