/** A compiled Condition block: every operator and every key in it must hold. */
import { type OperatorUse, parseOperator, type ValueTest } from './condition-operators.ts';
import { canFill, variablesOf } from './policy-variables.ts';
import type { Facts } from './request-facts.ts';
import { Work } from './work.ts';

interface KeyCondition {
  /** Lower case: IAM compares the names of condition keys without case. */
  readonly key: string;
  readonly use: OperatorUse;
  readonly test: ValueTest;
}

export type Condition = readonly KeyCondition[];

/** What is wrong with a Condition block, in words for the author of the policy. */
export class ConditionFault extends Error {
  override readonly name = 'ConditionFault';
}

/** @throws ConditionFault for an operator that IAM does not have, or a value that its operator cannot read */
export function compileCondition(block: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined, withVariables: boolean): Condition {
  const conditions: KeyCondition[] = [];
  for (const [operatorText, keys] of Object.entries(block ?? {})) {
    const use = parseOperator(operatorText);
    if (use === undefined) throw new ConditionFault(`it has the unknown condition operator ${operatorText.slice(0, 80)}`);
    for (const [key, value] of Object.entries(keys)) {
      const values = (Array.isArray(value) ? value : [value]).map(String);
      const test = use.operator === 'Null' ? nullTest(values) : use.operator.compile(values, withVariables);
      if (test === undefined) throw new ConditionFault(`the condition ${operatorText} has a value for ${key.slice(0, 80)} that it cannot read`);
      conditions.push({ key: key.toLowerCase(), use, test });
    }
  }
  return conditions;
}

/** The condition keys that the block reads, in lower case. */
export const keysOfCondition = (condition: Condition): string[] => condition.flatMap(({ key, test }) => [key, ...test.templates.flatMap(variablesOf)]);

/** @param effect of the statement: a comparison with a variable that has no value never widens what is allowed */
export const conditionHolds = (condition: Condition, effect: 'Allow' | 'Deny', facts: Facts, work = new Work()): boolean =>
  condition.every((one) => keyHolds(one, effect, facts, work));

/** `Null: "true"` wants the key to be absent. */
function nullTest(values: readonly string[]): ValueTest | undefined {
  const wanted = new Set(values.map((value) => value.toLowerCase()));
  if ([...wanted].some((value) => value !== 'true' && value !== 'false')) return undefined;
  return { matches: (isMissing) => wanted.has(isMissing), templates: [] };
}

function keyHolds({ key, use, test }: KeyCondition, effect: 'Allow' | 'Deny', facts: Facts, work: Work): boolean {
  const fact = facts.get(key);
  const isMissing = fact === undefined || (typeof fact !== 'string' && fact.length === 0);
  if (use.operator === 'Null') return test.matches(String(isMissing), facts, work);
  const { negated } = use.operator;
  // For the set operators an empty string is an empty set (IAM User Guide, multivalued context keys).
  const isEmptySet = use.qualifier !== undefined && (fact === '' || (fact?.length === 1 && fact[0] === ''));
  if (isMissing || isEmptySet) return missingHolds(use, negated);
  if (negated && effect === 'Allow' && !test.templates.every((template) => canFill(template, facts))) return false;
  if (typeof fact === 'string') return test.matches(fact, facts, work) !== negated;
  const holds = (actual: string): boolean => test.matches(actual, facts, work) !== negated;
  if (use.qualifier === 'ForAllValues') return fact.every(holds);
  if (use.qualifier === 'ForAnyValue') return fact.some(holds);
  // Without a qualifier: any match, or no match at all for negated operators.
  return negated ? fact.every(holds) : fact.some(holds);
}

/** IfExists and ForAllValues hold for a key that the request does not have; so do negated operators, except under ForAnyValue. */
function missingHolds({ qualifier, ifExists }: OperatorUse, negated: boolean): boolean {
  if (ifExists || qualifier === 'ForAllValues') return true;
  return negated && qualifier === undefined;
}
