/**
 * IAM's evaluation of a role's own policies, for the requests that the tests recorded: explicit deny wins, then any allow. It knows the operators that the stacks
 * use and throws at any other, so that nothing is taken for granted that was not thought about (IAM User Guide, "Policy evaluation logic", "Condition operators").
 */
import { type Resource, readable, type StackName, type Templates } from './synthesised.ts';

export interface EvaluatedStatement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export interface AccessRequest {
  readonly action: string;
  readonly resource: string;
  /** Context keys; one that is absent here is absent in the request. */
  readonly context: Readonly<Record<string, readonly string[]>>;
}

interface RawStatement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export function statementsOfRole(role: Resource, stack: StackName, templates: Templates): EvaluatedStatement[] {
  const { Policies = [] } = role.Properties as { Policies?: { PolicyDocument: { Statement: RawStatement[] } }[] };
  const text = (value: unknown) => readable(value, stack, templates);
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).map(({ Effect, Action, Resource, Condition = {} }) => ({
    effect: Effect,
    actions: [Action].flat(),
    resources: [Resource].flat().map(text),
    conditions: Object.fromEntries(
      Object.entries(Condition).map(([operator, keys]) => [operator, Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, [values].flat().map(text)]))]),
    ),
  }));
}

export function isAllowed(statements: readonly EvaluatedStatement[], request: AccessRequest): boolean {
  const meant = statements.filter((statement) => applies(statement, request));
  return meant.some(({ effect }) => effect === 'Allow') && !meant.some(({ effect }) => effect === 'Deny');
}

function applies({ actions, resources, conditions }: EvaluatedStatement, { action, resource, context }: AccessRequest): boolean {
  return (
    actions.some((pattern) => like(pattern.toLowerCase(), action.toLowerCase())) &&
    resources.some((pattern) => like(pattern, resource)) &&
    Object.entries(conditions).every(([operator, keys]) => Object.entries(keys).every(([key, wanted]) => holds(operator, wanted, context[key])))
  );
}

const comparisons: Readonly<Record<string, (wanted: string, actual: string) => boolean>> = {
  StringEquals: (wanted, actual) => wanted === actual,
  StringLike: like,
  Bool: (wanted, actual) => wanted.toLowerCase() === actual.toLowerCase(),
  ArnEquals: arnLike,
  ArnLike: arnLike,
  NumericLessThan: (wanted, actual) => Number(actual) < Number(wanted),
};
/** True when none of the values matches, and also when the key is absent. */
const negations: Readonly<Record<string, string>> = { StringNotEquals: 'StringEquals', ArnNotEquals: 'ArnEquals', ArnNotLike: 'ArnLike' };

/** @throws Error for an operator that is not known here */
function holds(operator: string, wanted: readonly string[], actual: readonly string[] | undefined): boolean {
  if (operator === 'Null') return wanted.some((value) => (value === 'true') === (actual === undefined || actual.length === 0));
  const [, quantifier, name] = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+)$/.exec(operator) ?? [];
  const positive = negations[name ?? ''];
  const compare = comparisons[positive ?? name ?? ''];
  if (compare === undefined) throw new Error(`The condition operator ${operator} is not understood.`);
  const meets = (value: string) => wanted.some((one) => compare(one, value)) === (positive === undefined);
  if (quantifier === 'ForAllValues') return (actual ?? []).every(meets);
  if (quantifier === 'ForAnyValue') return (actual ?? []).some(meets);
  if (actual === undefined) return positive !== undefined;
  if (actual.length !== 1) throw new Error(`A key with several values was compared by ${operator} without a quantifier.`);
  return meets(actual[0]!);
}

/** `*` is any text, `?` any one character. */
function like(pattern: string, text: string): boolean {
  const expression = pattern
    .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(text);
}

/** Part by part: a `*` does not reach over a colon of the first five. */
function arnLike(pattern: string, text: string): boolean {
  const parts = (arn: string) => /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):(.*)$/s.exec(arn)?.slice(1);
  const [patterns, texts] = [parts(pattern), parts(text)];
  return patterns !== undefined && texts !== undefined && patterns.every((part, at) => like(part, texts[at]!));
}
