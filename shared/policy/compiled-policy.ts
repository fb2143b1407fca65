/** Policy documents, compiled once per revision and then evaluated in microseconds. */
import { KmsError } from '#shared/errors.ts';
import { type Condition, compileCondition, conditionHolds } from './condition.ts';
import { matchesGlob } from './glob.ts';
import { type PolicyStatement, parsePolicy } from './policy-document.ts';
import { compileTemplate, fillTemplate } from './policy-variables.ts';
import { compilePrincipal, isAccountRoot, type PrincipalPattern } from './principal-pattern.ts';
import type { DecisionRequest } from './request-facts.ts';

interface CompiledStatement {
  /** Sid, or its place in the document from 1. */
  readonly name: string;
  readonly effect: 'Allow' | 'Deny';
  /** Absent in identity documents: they apply to whom they are bound to. */
  readonly principal: { readonly pattern: PrincipalPattern; readonly negated: boolean } | undefined;
  readonly actions: readonly string[];
  readonly actionsNegated: boolean;
  readonly resources: readonly ReturnType<typeof compileTemplate>[];
  readonly resourcesNegated: boolean;
  readonly condition: Condition;
}

export type CompiledPolicy = readonly CompiledStatement[];

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
  const { Statement } = parsePolicy(text, kind);
  return (Array.isArray(Statement) ? Statement : [Statement]).map(compileStatement);
}

function compileStatement(statement: PolicyStatement, at: number): CompiledStatement {
  const condition = compileCondition(statement.Condition);
  if (condition === undefined) throw new KmsError('MalformedPolicyDocumentException', `The key policy is not valid: statement ${at + 1} has an unknown condition operator.`);
  const principal = statement.Principal ?? statement.NotPrincipal;
  return {
    name: statement.Sid ?? String(at + 1),
    effect: statement.Effect,
    principal: principal === undefined ? undefined : { pattern: compilePrincipal(principal), negated: statement.NotPrincipal !== undefined },
    actions: list(statement.Action ?? statement.NotAction).map((action) => action.toLowerCase()),
    actionsNegated: statement.NotAction !== undefined,
    resources: list(statement.Resource ?? statement.NotResource).map(compileTemplate),
    resourcesNegated: statement.NotResource !== undefined,
    condition,
  };
}

const list = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);

/** Explicit deny wins; among allowing statements one that names the caller wins over one that names the account. */
export function evaluatePolicy(policy: CompiledPolicy, request: DecisionRequest): Verdict {
  let verdict: Verdict = { effect: 'none' };
  const action = request.action.toLowerCase();
  for (const statement of policy) {
    const through = appliesThrough(statement, request, action);
    if (through === undefined) continue;
    if (statement.effect === 'Deny') return { effect: 'deny', statement: statement.name, through };
    if (verdict.effect === 'none' || (verdict.through === 'account' && through === 'principal')) verdict = { effect: 'allow', statement: statement.name, through };
  }
  return verdict;
}

function appliesThrough(statement: CompiledStatement, request: DecisionRequest, action: string): 'principal' | 'account' | undefined {
  const through = principalMatch(statement, request);
  if (through === undefined) return undefined;
  if (statement.actions.some((pattern) => matchesGlob(pattern, action)) === statement.actionsNegated) return undefined;
  const matchesResource = statement.resources.some((template) => {
    const pattern = fillTemplate(template, request.facts);
    return pattern !== undefined && matchesGlob(pattern, request.resource);
  });
  if (matchesResource === statement.resourcesNegated) return undefined;
  return conditionHolds(statement.condition, request.facts) ? through : undefined;
}

function principalMatch({ principal }: CompiledStatement, { principal: caller }: DecisionRequest): 'principal' | 'account' | undefined {
  if (principal === undefined) return 'principal';
  const match = principal.pattern.match(caller);
  if (principal.negated) return match === undefined ? 'principal' : undefined;
  // The account's own root needs no identity document to use what its account was given.
  return match === 'account' && isAccountRoot(caller) ? 'principal' : match;
}
