/** The shape of policy documents (IAM JSON policy grammar): key policies name principals, identity documents do not. Evaluation: compiled-policy.ts. */
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import { repeatedMember } from './repeated-member.ts';

export const policyBytesMax = 32_768;

const oneOrMany = <T extends z.ZodType>(schema: T) => z.union([schema, z.array(schema).min(1)]);
const principalMap = z.strictObject({
  AWS: oneOrMany(z.string().min(1)).optional(),
  Service: oneOrMany(z.string().min(1)).optional(),
  Federated: oneOrMany(z.string().min(1)).optional(),
  CanonicalUser: oneOrMany(z.string().min(1)).optional(),
});
const principal = z.union([z.literal('*'), principalMap.refine((map) => Object.values(map).some((value) => value !== undefined))]);
const conditionValue = z.union([z.string(), z.number(), z.boolean()]);
const action = oneOrMany(z.string().regex(/^(\*|[a-zA-Z0-9*-]+:[a-zA-Z0-9*?]+)$/));

const statementShape = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal.optional(),
  NotPrincipal: principal.optional(),
  Action: action.optional(),
  NotAction: action.optional(),
  Resource: oneOrMany(z.string().min(1)).optional(),
  NotResource: oneOrMany(z.string().min(1)).optional(),
  Condition: z.record(z.string().min(1), z.record(z.string().min(1), oneOrMany(conditionValue))).optional(),
});
export type PolicyStatement = z.output<typeof statementShape>;

const hasActionAndResource = (value: PolicyStatement): boolean => exactlyOne(value.Action, value.NotAction) && exactlyOne(value.Resource, value.NotResource);
const statements = {
  key: statementShape.refine((value) => exactlyOne(value.Principal, value.NotPrincipal) && hasActionAndResource(value)),
  identity: statementShape.refine((value) => value.Principal === undefined && value.NotPrincipal === undefined && hasActionAndResource(value)),
};

const documentOf = (statement: typeof statementShape) =>
  z.strictObject({
    Version: z.enum(['2012-10-17', '2008-10-17']).optional(),
    Id: z.string().optional(),
    Statement: oneOrMany(statement),
  });
const documents = { key: documentOf(statements.key), identity: documentOf(statements.identity) };

const exactlyOne = (a: unknown, b: unknown): boolean => (a === undefined) !== (b === undefined);

export interface PolicyDocument {
  readonly Version?: string | undefined;
  readonly Statement: readonly PolicyStatement[];
}

/** @throws KmsError MalformedPolicyDocumentException, LimitExceededException */
export function parsePolicy(text: string, kind: 'key' | 'identity' = 'key'): PolicyDocument {
  if (Buffer.byteLength(text) > policyBytesMax) throw new KmsError('LimitExceededException', `A policy can have at most ${policyBytesMax} bytes.`);
  let value: unknown;
  try {
    value = JSON.parse(text, refuseProto);
  } catch {
    throw new KmsError('MalformedPolicyDocumentException', 'This policy contains invalid Json');
  }
  const repeated = repeatedMember(text);
  if (repeated !== undefined) throw new KmsError('MalformedPolicyDocumentException', `The policy is not valid: an object in it has the member ${repeated.slice(0, 80)} twice.`);
  const parsed = documents[kind].safeParse(value);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new KmsError('MalformedPolicyDocumentException', `The policy is not valid${where === '' ? '.' : `: see ${where.slice(0, 200)}.`}`);
  }
  const { Version, Statement } = parsed.data;
  return { Version, Statement: Array.isArray(Statement) ? Statement : [Statement] };
}

/** zod passes over a member of this name, and a condition that is passed over is a condition that is not held to. */
function refuseProto(name: string, value: unknown): unknown {
  if (name === '__proto__') throw new SyntaxError('a member is called __proto__');
  return value;
}
