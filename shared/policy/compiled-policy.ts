/** Policy documents, compiled once per text and then evaluated in microseconds. Reference: IAM User Guide, "Policy evaluation logic". */
import { KmsError } from '#shared/errors.ts';
import { type Condition, ConditionFault, compileCondition, conditionHolds, keysOfCondition } from './condition.ts';
import { compilePattern, toPattern } from './glob.ts';
import { type PolicyStatement, parsePolicy } from './policy-document.ts';
import { compileTemplate, fillTemplate, type Template, variablesOf } from './policy-variables.ts';
import { compilePrincipal, type PrincipalMatch, type PrincipalPattern } from './principal-pattern.ts';
import type { DecisionRequest, Facts } from './request-facts.ts';
import { Work } from './work.ts';

interface CompiledStatement {
  /** Sid, or its place in the document from 1. */
  readonly name: string;
  readonly effect: 'Allow' | 'Deny';
  /** Absent in identity documents: they apply to whom they are bound to. */
  readonly principal: { readonly pattern: PrincipalPattern; readonly negated: boolean } | undefined;
  /** Whether the lower-case action is among those of the statement; NotAction is already turned round. */
  readonly coversAction: (action: string, work: Work) => boolean;
  readonly coversResource: (resource: string, facts: Facts, work: Work) => boolean;
  readonly condition: Condition;
}

export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
  /** Every condition key that the policy reads, in lower case. */
  readonly readsKeys: ReadonlySet<string>;
}

export type Verdict =
  | { readonly effect: 'none' }
  | {
      readonly effect: 'allow' | 'deny';
      readonly statement: string;
      /** Whether an allowing statement names the caller, or only the caller's account, which then decides by identity documents. */
      readonly through: 'principal' | 'account';
    };

/** @throws KmsError MalformedPolicyDocumentException, LimitExceededException */
export function compilePolicy(text: string, kind: 'key' | 'identity'): CompiledPolicy {
  const { Version, Statement } = parsePolicy(text, kind);
  const readsKeys = new Set<string>();
  const statements = Statement.map((statement, at) => compileStatement(statement, at, Version === '2012-10-17', readsKeys));
  return { statements, readsKeys };
}

const malformed = (message: string): KmsError => new KmsError('MalformedPolicyDocumentException', message);

function compileStatement(statement: PolicyStatement, at: number, withVariables: boolean, readsKeys: Set<string>): CompiledStatement {
  const effect = statement.Effect;
  const resources = list(statement.Resource ?? statement.NotResource).map((text) => compileTemplate(text, 'pattern', withVariables));
  const condition = conditionOf(statement, at, withVariables);
  for (const key of [...resources.flatMap(variablesOf), ...keysOfCondition(condition)]) readsKeys.add(key);
  return {
    name: statement.Sid ?? String(at + 1),
    effect,
    principal: principalOf(statement),
    coversAction: actionTest(list(statement.Action ?? statement.NotAction), statement.NotAction !== undefined),
    coversResource: statement.NotResource === undefined ? resourceTest(resources) : otherResourceTest(resources, effect),
    condition,
  };
}

function conditionOf(statement: PolicyStatement, at: number, withVariables: boolean): Condition {
  try {
    return compileCondition(statement.Condition, withVariables);
  } catch (error) {
    if (error instanceof ConditionFault) throw malformed(`The policy is not valid: in statement ${statement.Sid?.slice(0, 100) ?? at + 1} ${error.message}.`);
    throw error;
  }
}

function principalOf(statement: PolicyStatement): CompiledStatement['principal'] {
  const element = statement.Principal ?? statement.NotPrincipal;
  if (element === undefined) return undefined;
  const pattern = compilePrincipal(element);
  if (pattern === undefined) throw malformed('Policy contains a statement with one or more invalid principals.');
  return { pattern, negated: statement.NotPrincipal !== undefined };
}

const list = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);

function actionTest(patterns: readonly string[], negated: boolean): CompiledStatement['coversAction'] {
  const tests = patterns.map((pattern) => compilePattern(toPattern(pattern.toLowerCase())));
  return (action, work) => tests.some((matches) => matches(action, work)) !== negated;
}

function resourceTest(templates: readonly Template[]): CompiledStatement['coversResource'] {
  const fixed = templates.flatMap((template) => (typeof template === 'string' ? [compilePattern(template)] : []));
  const open = templates.filter((template) => typeof template !== 'string');
  return (resource, facts, work) => fixed.some((matches) => matches(resource, work)) || open.some((template) => matchesTemplate(template, resource, facts, work) === true);
}

/** NotResource. A variable without a value leaves open what is excepted: then a Deny covers the resource and an Allow does not. */
function otherResourceTest(templates: readonly Template[], effect: 'Allow' | 'Deny'): CompiledStatement['coversResource'] {
  return (resource, facts, work) => {
    const matches = templates.map((template) => matchesTemplate(template, resource, facts, work));
    if (matches.includes(true)) return false;
    return effect === 'Deny' || !matches.includes(undefined);
  };
}

function matchesTemplate(template: Template, resource: string, facts: Facts, work: Work): boolean | undefined {
  const pattern = fillTemplate(template, facts, work);
  return pattern === undefined ? undefined : compilePattern(pattern)(resource, work);
}

/** Explicit deny wins; among allowing statements one that names the caller wins over one that names the account. @throws DecisionTooCostly */
export function evaluatePolicy({ statements }: CompiledPolicy, request: DecisionRequest): Verdict {
  const { work = new Work() } = request;
  let verdict: Verdict = { effect: 'none' };
  const action = request.action.toLowerCase();
  for (const statement of statements) {
    if (statement.effect === 'Allow' && verdict.effect === 'allow' && verdict.through === 'principal') continue;
    work.spend(1);
    if (!statement.coversAction(action, work)) continue;
    const through = principalMatch(statement, request);
    if (through === undefined || !statement.coversResource(request.resource, request.facts, work)) continue;
    if (!conditionHolds(statement.condition, statement.effect, request.facts, work)) continue;
    if (statement.effect === 'Deny') return { effect: 'deny', statement: statement.name, through };
    if (verdict.effect === 'none' || through === 'principal') verdict = { effect: 'allow', statement: statement.name, through };
  }
  return verdict;
}

/**
 * NotPrincipal with Deny excepts only whom it names: an account's root in the list excepts the root, not the account's principals (IAM User Guide,
 * "NotPrincipal"). With Allow the same entry keeps the whole account out: neither reading widens access.
 */
function principalMatch({ principal, effect }: CompiledStatement, request: DecisionRequest): PrincipalMatch {
  if (principal === undefined) return 'principal';
  const match = principal.pattern.match(request.principal);
  if (!principal.negated) return match;
  const isExcepted = effect === 'Deny' ? match === 'principal' : match !== undefined;
  return isExcepted ? undefined : 'principal';
}
