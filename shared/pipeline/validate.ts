/**
 * From raw members to an operation's input, or AWS KMS's own words about what is wrong: a value of the wrong type or an unreadable blob is a
 * SerializationException; broken constraints are counted and reported together in one ValidationException (research: kms-api 2.3).
 */
import type * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import type { Operation } from '#shared/operation.ts';

type Issue = z.core.$ZodIssue;
const violationsMax = 10;

/** @throws KmsError SerializationException, ValidationException */
export function parseInput(operation: Operation, members: Readonly<Record<string, unknown>>, strict: boolean): Record<string, unknown> {
  const present: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members)) {
    // null means absent (Smithy awsJson1_1).
    if (value === null) continue;
    if (!Object.hasOwn(operation.input.shape, name)) {
      if (strict) throw new KmsError('ValidationException', `1 validation error detected: Unknown member '${name.slice(0, 100)}'`);
      continue;
    }
    // Each item of a batch is looked at alone, when it is parsed.
    if (operation.batchOf === undefined) requireReadable(value, name);
    present[name] = value;
  }
  const parsed = operation.input.safeParse(present);
  if (parsed.success) return parsed.data;
  throw explain(operation.input, parsed.error.issues, present);
}

/**
 * Refuses what has no one meaning: half surrogate pairs (UTF-8 has no bytes for them, so two different contexts would be authenticated as one) and
 * members called __proto__, which zod passes over in maps. A loop, because a caller chooses how deep the value is.
 */
function requireReadable(root: unknown, member: string): void {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string' && !value.isWellFormed()) throw new KmsError('SerializationException', `A string in ${member} is not well-formed Unicode.`);
    if (typeof value !== 'object' || value === null) continue;
    for (const name of Object.keys(value)) {
      if (name === '__proto__' || !name.isWellFormed()) throw new KmsError('SerializationException', `A member name in ${member} is not accepted.`);
      waiting.push((value as Record<string, unknown>)[name]);
    }
  }
}

function explain(input: z.ZodObject, issues: readonly Issue[], members: Record<string, unknown>): KmsError {
  const violations: string[] = [];
  for (const issue of issues) {
    const value = valueAt(members, issue.path);
    const constraint = constraintOf(issue, value);
    if (constraint === undefined) return new KmsError('SerializationException', `The value of ${memberName(issue.path)} cannot be read as the type that the operation expects.`);
    violations.push(
      `${isSensitive(input, issue.path) && value !== undefined ? 'Value' : valueText(issue, value)} at '${memberName(issue.path)}' failed to satisfy constraint: ${constraint}`,
    );
  }
  const count = violations.length;
  return new KmsError('ValidationException', `${count} validation error${count === 1 ? '' : 's'} detected: ${violations.slice(0, violationsMax).join('; ')}`);
}

/** Undefined when the value has the wrong type altogether. */
function constraintOf(issue: Issue, value: unknown): string | undefined {
  if (value === undefined) return 'Member must not be null';
  switch (issue.code) {
    case 'too_small':
      return `Member must have ${measureOf(issue.origin)} greater than or equal to ${issue.minimum}`;
    case 'too_big':
      return `Member must have ${measureOf(issue.origin)} less than or equal to ${issue.maximum}`;
    case 'invalid_value':
      return typeof value === 'string' ? `Member must satisfy enum value set: [${issue.values.map(String).join(', ')}]` : undefined;
    case 'invalid_format':
      return issue.format === 'regex' ? `Member must satisfy regular expression pattern: ${(issue.pattern ?? '').replace(/^\/|\/[a-z]*$/g, '')}` : undefined;
    case 'custom':
      return issue.message;
    default:
      return undefined;
  }
}

const measureOf = (origin: string): string => (origin === 'number' || origin === 'int' ? 'value' : 'length');

/** Blobs, structures and long strings are never echoed. */
function valueText(issue: Issue, value: unknown): string {
  if (value === undefined) return 'Value null';
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  if (issue.code === 'custom' || !isScalar || (typeof value === 'string' && value.length > 300)) return 'Value';
  return `Value '${value}'`;
}

/** Whether the member, or one that it lies in, is marked as holding a secret. */
function isSensitive(schema: z.core.$ZodType | undefined, path: readonly PropertyKey[]): boolean {
  const inner = schema as (z.ZodType & Inner) | undefined;
  if (inner === undefined) return false;
  if (inner.meta?.()?.sensitive === true) return true;
  const [name, ...rest] = path;
  // An array unwraps to its element, which is one step of the path further; an optional one to itself.
  if (inner.element !== undefined) return name !== undefined && isSensitive(inner.element, rest);
  if (inner.unwrap !== undefined) return isSensitive(inner.unwrap(), path);
  if (name === undefined) return false;
  return inner.shape === undefined ? isSensitive(inner.valueType, rest) : Object.hasOwn(inner.shape, name) && isSensitive(inner.shape[String(name)], rest);
}

/** Of an array, an optional schema, an object and a record. */
interface Inner {
  readonly element?: z.core.$ZodType;
  unwrap?(): z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly valueType?: z.core.$ZodType;
}

/** ['Tags', 0, 'TagKey'] → tags.1.member.tagKey */
function memberName(path: readonly PropertyKey[]): string {
  return path.map((segment) => (typeof segment === 'number' ? `${segment + 1}.member` : lowerCamel(String(segment)))).join('.');
}

const lowerCamel = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1, 200);

function valueAt(members: Record<string, unknown>, path: readonly PropertyKey[]): unknown {
  let value: unknown = members;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[segment];
  }
  return value ?? undefined;
}
