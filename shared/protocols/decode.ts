/** Which operation a request means, and its members. Two protocols, one neutral result. */
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import type { Operation } from '#shared/operation.ts';
import type { ApiRequest } from './api-request.ts';
import type { RestRoutes } from './rest-routes.ts';

export type Protocol = 'aws-json' | 'rest';

const targetPrefix = 'TrentService.';
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** X-Amz-Target decides, wherever the path points: clients disagree on the slash behind a stage name. REST lives under /v1/. */
export function protocolOf(request: ApiRequest): Protocol {
  return request.headers['x-amz-target'] === undefined && request.path.startsWith('/v1/') ? 'rest' : 'aws-json';
}

/** The name as the caller gave it, for the audit record of requests that go no further. Bounded and harmless to print. */
export function targetName(request: ApiRequest): string | undefined {
  const target = request.headers['x-amz-target'];
  if (target === undefined || !target.startsWith(targetPrefix)) return undefined;
  const name = target.slice(targetPrefix.length);
  return /^[A-Za-z0-9]{1,64}$/.test(name) ? name : undefined;
}

export interface Decoded {
  readonly operation: Operation;
  readonly readMembers: () => Readonly<Record<string, unknown>>;
}

/** @throws KmsError UnknownOperationException */
export function decodeAwsJson(request: ApiRequest, operations: ReadonlyMap<string, Operation>): Decoded {
  const name = targetName(request);
  const operation = name === undefined ? undefined : operations.get(name);
  if (request.method !== 'POST' || operation === undefined || operation.wire === false) throw new KmsError('UnknownOperationException');
  return { operation, readMembers: () => parseBody(request.body) };
}

/** @throws KmsError UnknownOperationException */
export function decodeRest(request: ApiRequest, routes: RestRoutes): Decoded {
  const match = routes.match(request.method, request.path);
  if (match === undefined) throw new KmsError('UnknownOperationException', `There is no ${request.method} ${request.path.slice(0, 200)}.`);
  const { operation, pathMembers } = match;
  const readMembers = () => {
    const body = parseBody(request.body);
    // No prototype: a member called __proto__ is a member like any other, and refused as unknown.
    const members: Record<string, unknown> = Object.assign(Object.create(null), body);
    for (const [name, value] of [
      ...readQuery(request.query, operation),
      ...Object.entries(pathMembers).map(([name, text]) => [name, readText(memberSchema(operation, name), text)] as const),
    ]) {
      if (Object.hasOwn(members, name) && members[name] !== value) throw new KmsError('ValidationException', `1 validation error detected: '${name}' is given twice`);
      members[name] = value;
    }
    return members;
  };
  return { operation, readMembers };
}

/** An empty body is an empty object (Smithy awsJson1_1). @throws KmsError SerializationException */
function parseBody(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    throw new KmsError('SerializationException', 'The body is not a JSON document in UTF-8.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new KmsError('SerializationException', 'The body is not a JSON object.');
  return value as Record<string, unknown>;
}

function readQuery(query: string, operation: Operation): [string, unknown][] {
  const members = new Map<string, unknown>();
  for (const [name, text] of new URLSearchParams(query)) {
    const schema = memberSchema(operation, name);
    const known = members.get(name);
    // A list is written by repeating its name.
    if (schema instanceof z.ZodArray) members.set(name, [...(Array.isArray(known) ? known : []), text]);
    else if (known !== undefined) throw new KmsError('ValidationException', `1 validation error detected: '${name.slice(0, 100)}' is given twice`);
    else members.set(name, readText(schema, text));
  }
  return [...members];
}

const readText = (schema: z.core.$ZodType | undefined, text: string): unknown => (schema instanceof z.ZodNumber && /^-?[0-9]{1,10}$/.test(text) ? Number(text) : text);

function memberSchema(operation: Operation, name: string): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType | undefined = Object.hasOwn(operation.input.shape, name) ? operation.input.shape[name] : undefined;
  while (schema instanceof z.ZodOptional) schema = schema.unwrap();
  return schema;
}
