/**
 * The registry as an OpenAPI 3.0 document. It documents the service (docs/api/openapi.json) and gives the stacks the routes of the deployed API, so
 * that the two cannot disagree. Schemas are of the wire: bytes are base64 text, times are epoch seconds.
 */
import * as z from 'zod';
import { documentedInput } from '#shared/batch-operation.ts';
import { errorTable } from '#shared/errors.ts';
import type { Operation } from '#shared/operation.ts';
import { errorsOf } from '#shared/operation-errors.ts';

interface JsonSchema {
  readonly [member: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: JsonSchema;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, unknown>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.0.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  /** Path, then method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>>; readonly securitySchemes: Readonly<Record<string, unknown>> };
}

/** Name of the wire protocol's one route, POST /. */
export const wireOperationId = 'AwsJson';
const security = [{ sigv4: [] }];
const withBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
const problemResponse = (description: string) => ({ description, content: { 'application/problem+json': { schema: reference('Problem') } } });
const reference = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

export function openApiDocument(operations: readonly Operation[], version: string): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = { Problem: problemSchema };
  const paths: Record<string, Record<string, OpenApiOperation>> = { '/': { post: wireRoute(operations) } };
  for (const operation of operations) {
    const route = paths[operation.http.path] ?? {};
    route[operation.http.method.toLowerCase()] = restRoute(operation, schemas);
    paths[operation.http.path] = route;
  }
  return {
    openapi: '3.0.1',
    info: {
      title: 'Chatelaine',
      version,
      description: 'A key management service that speaks the AWS KMS protocol (POST /) and REST (/v1/). Every request is signed with AWS Signature Version 4.',
    },
    paths,
    components: {
      schemas,
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'AWS Signature Version 4. The service name of the signature is execute-api on AWS, and kms or execute-api on a single node.',
        },
      },
    },
  };
}

function restRoute(operation: Operation, schemas: Record<string, JsonSchema>): OpenApiOperation {
  const { name, http, group, summary } = operation;
  const input = wireSchema(documentedInput(operation), schemas);
  const pathMembers = [...http.path.matchAll(/\{([A-Za-z]+)\}/g)].map((match) => match[1]!);
  const rest = Object.entries(input.properties ?? {}).filter(([member]) => !pathMembers.includes(member));
  const required = (input.required ?? []).filter((member) => !pathMembers.includes(member));
  const hasBody = withBody.has(http.method) && rest.length > 0;
  const parameters: OpenApiParameter[] = pathMembers.map((member) => ({ name: member, in: 'path', required: true, schema: input.properties?.[member] ?? { type: 'string' } }));
  if (!withBody.has(http.method))
    parameters.push(...rest.map(([member, schema]): OpenApiParameter => ({ name: member, in: 'query', required: required.includes(member), schema })));
  if (hasBody) schemas[`${name}Request`] = { type: 'object', properties: Object.fromEntries(rest), ...(required.length === 0 ? {} : { required }), additionalProperties: false };
  return {
    operationId: name,
    summary,
    tags: [group],
    security,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(hasBody ? { requestBody: { required: required.length > 0, content: { 'application/json': { schema: reference(`${name}Request`) } } } } : {}),
    responses: { ...successResponse(operation, schemas), ...errorResponses(operation) },
  };
}

function successResponse({ name, output }: Operation, schemas: Record<string, JsonSchema>): Record<string, unknown> {
  if (output === undefined) return { 204: { description: 'Done. There is no body.' } };
  schemas[`${name}Response`] = wireSchema(output, schemas);
  return { 200: { description: 'Done.', content: { 'application/json': { schema: reference(`${name}Response`) } } } };
}

/** By HTTP status; the default is for what stands in front of the service. */
function errorResponses(operation: Operation): Record<string, unknown> {
  const byStatus = new Map<number, string[]>();
  for (const code of errorsOf(operation)) byStatus.set(errorTable[code].restStatus, [...(byStatus.get(errorTable[code].restStatus) ?? []), code]);
  const own = [...byStatus].sort(([a], [b]) => a - b).map(([status, codes]) => [String(status), problemResponse(codes.join(', '))]);
  return { ...Object.fromEntries(own), default: problemResponse('Any other error of the service.') };
}

function wireRoute(operations: readonly Operation[]): OpenApiOperation {
  const targets = operations.filter(({ wire }) => wire !== false).map(({ name }) => `TrentService.${name}`);
  return {
    operationId: wireOperationId,
    summary: 'Every operation over the AWS JSON 1.1 protocol, as AWS SDKs and the AWS CLI speak it.',
    tags: ['AWS JSON protocol'],
    security,
    parameters: [{ name: 'X-Amz-Target', in: 'header', required: true, schema: { type: 'string', enum: targets } }],
    requestBody: { required: true, content: { 'application/x-amz-json-1.1': { schema: { type: 'object' } } } },
    responses: { 200: { description: 'Done.' }, default: { description: 'An error of AWS KMS: `__type` names it.' } },
  };
}

/** @param schemas gets the schemas that have a name of their own */
function wireSchema(schema: z.ZodObject, schemas: Record<string, JsonSchema>): JsonSchema {
  const {
    $schema: _,
    definitions = {},
    ...converted
  } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    // What the wire shows is the input side of a codec; only the inside of a blob cannot be shown.
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      delete jsonSchema.sensitive;
      if (jsonSchema.contentEncoding !== 'base64') return;
      // OpenAPI 3.0 has a format of its own for base64.
      delete jsonSchema.contentEncoding;
      delete jsonSchema.pattern;
      jsonSchema.format = 'byte';
    },
  }) as { $schema?: string; definitions?: Record<string, JsonSchema & { id?: string }> };
  for (const [name, { id: _id, ...definition }] of Object.entries(definitions)) schemas[name] = inComponents(definition);
  return inComponents(converted);
}

const inComponents = (schema: JsonSchema): JsonSchema => JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions/', '"#/components/schemas/')) as JsonSchema;

const problemSchema: JsonSchema = {
  type: 'object',
  description: 'RFC 9457 problem details.',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(errorTable).sort() },
    requestId: { type: 'string' },
  },
  required: ['type', 'title', 'status', 'code', 'requestId'],
};
