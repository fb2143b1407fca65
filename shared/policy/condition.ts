/** A compiled Condition block: every operator and every key in it must hold. */
import { type OperatorUse, parseOperator } from './condition-operators.ts';
import { compileTemplate, fillTemplate } from './policy-variables.ts';
import type { Facts } from './request-facts.ts';

type Template = ReturnType<typeof compileTemplate>;

interface KeyCondition extends OperatorUse {
  /** Lower case. */
  readonly key: string;
  readonly values: readonly Template[];
}

export type Condition = readonly KeyCondition[];

/** @returns undefined when the block names an operator that IAM does not have */
export function compileCondition(block: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined): Condition | undefined {
  const conditions: KeyCondition[] = [];
  for (const [operatorText, keys] of Object.entries(block ?? {})) {
    const use = parseOperator(operatorText);
    if (use === undefined) return undefined;
    for (const [key, value] of Object.entries(keys)) {
      const values = (Array.isArray(value) ? value : [value]).map((one) => compileTemplate(String(one)));
      conditions.push({ ...use, key: key.toLowerCase(), values });
    }
  }
  return conditions;
}

export const conditionHolds = (condition: Condition, facts: Facts): boolean => condition.every((one) => keyHolds(one, facts));

function keyHolds(condition: KeyCondition, facts: Facts): boolean {
  const fact = facts.get(condition.key);
  if (condition.operator === 'Null') {
    const isMissing = fact === undefined || (Array.isArray(fact) && fact.length === 0);
    return condition.values.some((value) => typeof value === 'string' && value.toLowerCase() === String(isMissing));
  }
  if (fact === undefined || (Array.isArray(fact) && fact.length === 0)) return missingHolds(condition);
  const { compare, negated } = condition.operator;
  const wanted = condition.values.map((value) => fillTemplate(value, facts)).filter((value) => value !== undefined);
  const holds = (actual: string): boolean => wanted.some((value) => compare(value, actual)) !== negated;
  const actuals: readonly string[] = typeof fact === 'string' ? [fact] : fact;
  if (condition.qualifier === 'ForAllValues') return actuals.every(holds);
  if (condition.qualifier === 'ForAnyValue') return actuals.some(holds);
  // Without a qualifier a multivalued key is compared as AWS compares single values: any match, or none for negated operators.
  return negated ? actuals.every(holds) : actuals.some(holds);
}

/** IfExists and ForAllValues hold for a key that the request does not have; so do negated operators, except under ForAnyValue. */
function missingHolds({ operator, qualifier, ifExists }: KeyCondition): boolean {
  if (ifExists || qualifier === 'ForAllValues') return true;
  return operator !== 'Null' && operator.negated && qualifier === undefined;
}
