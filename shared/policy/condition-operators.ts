/**
 * The condition operators of the IAM policy language: each turns the values of a policy into one test of one value of the request. Reference: IAM
 * User Guide, "IAM JSON policy elements: Condition operators".
 */
import { compilePattern, isAnything, matchesPattern } from './glob.ts';
import { parseIp, parseNetwork } from './ip-network.ts';
import { compileTemplate, fillTemplate, type Template } from './policy-variables.ts';
import type { Facts } from './request-facts.ts';
import type { Work } from './work.ts';

export interface ValueTest {
  /** Whether any value of the policy matches. @throws DecisionTooCostly */
  matches(actual: string, facts: Facts, work: Work): boolean;
  /** Values that hold variables. */
  readonly templates: readonly Template[];
}

export interface Operator {
  /** Undefined when the operator cannot read a value. Variables exist for strings and ARNs only. */
  compile(values: readonly string[], withVariables: boolean): ValueTest | undefined;
  /** Negated operators hold when no policy value matches, and when the request does not have the key. */
  readonly negated: boolean;
}

type Matcher = (actual: string, work: Work) => boolean;

/** Strings and ARNs: `prepare` makes a matcher of filled-in values. */
const texts =
  (kind: 'literal' | 'pattern', prepare: (wanted: readonly string[]) => Matcher): Operator['compile'] =>
  (values, withVariables) => {
    const compiled = values.map((value) => compileTemplate(value, kind, withVariables));
    const fixed = prepare(compiled.filter((template) => typeof template === 'string'));
    const templates = compiled.filter((template) => typeof template !== 'string');
    const matches = (actual: string, facts: Facts, work: Work): boolean =>
      fixed(actual, work) ||
      templates.some((template) => {
        const wanted = fillTemplate(template, facts, work);
        return wanted !== undefined && prepare([wanted])(actual, work);
      });
    return { matches, templates };
  };

/** One lookup, however many values there are. */
const oneOf =
  (normal: (text: string) => string) =>
  (wanted: readonly string[]): Matcher => {
    const values = new Set(wanted.map(normal));
    return (actual, work) => {
      work.spend(actual.length + 1);
      return values.has(normal(actual));
    };
  };

const anyOf =
  (compile: (pattern: string) => Matcher) =>
  (patterns: readonly string[]): Matcher => {
    const matchers = patterns.map(compile);
    return (actual, work) => {
      work.spend(matchers.length);
      return matchers.some((matches) => matches(actual, work));
    };
  };

/** Values that are read once, as something else than text. */
const readValues =
  <Value>(read: (text: string) => Value | undefined, holds: (wanted: Value, actual: Value) => boolean): Operator['compile'] =>
  (values) => {
    const wanted = values.map(read);
    if (!wanted.every((value) => value !== undefined)) return undefined;
    const matches: ValueTest['matches'] = (text, _, work) => {
      work.spend(text.length + wanted.length);
      const actual = read(text);
      return actual !== undefined && wanted.some((value) => holds(value, actual));
    };
    return { matches, templates: [] };
  };

const readNumber = (text: string): number | undefined => (/^\s*-?[0-9]{1,15}(?:\.[0-9]{1,15})?\s*$/.test(text) ? Number(text) : undefined);
const isoPattern = /^[0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?)?$/i;
/** ISO 8601 (without a zone: UTC), or epoch seconds. */
function readTime(text: string): number | undefined {
  if (/^-?[0-9]{5,12}$/.test(text)) return Number(text) * 1000;
  if (!isoPattern.test(text)) return undefined;
  const hasZone = !/T/i.test(text) || /(?:Z|[+-][0-9]{2}:?[0-9]{2})$/i.test(text);
  const time = Date.parse(hasZone ? text : `${text}Z`);
  return Number.isNaN(time) ? undefined : time;
}
const readBool = (text: string): boolean | undefined => ({ true: true, false: false })[text.toLowerCase()];
const readBytes = (text: string): string | undefined => (/^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64').toString('base64') : undefined);

const networks: Operator['compile'] = (values) => {
  const blocks = values.map(parseNetwork);
  if (!blocks.every((block) => block !== undefined)) return undefined;
  const matches: ValueTest['matches'] = (actual, _, work) => {
    work.spend(actual.length + blocks.length);
    const address = parseIp(actual);
    return address !== undefined && blocks.some((block) => block.contains(address));
  };
  return { matches, templates: [] };
};

/** Each of the six parts of an ARN is matched by itself, so that a wildcard does not run across a colon. */
function arnMatcher(pattern: string): Matcher {
  if (isAnything(pattern)) return () => true;
  const parts = splitArn(pattern);
  if (parts === undefined) return () => false;
  return (actual, work) => {
    work.spend(actual.length);
    return splitArn(actual)?.every((part, at) => matchesPattern(parts[at]!, part, work)) === true;
  };
}

function splitArn(arn: string): string[] | undefined {
  const parts = arn.split(':');
  return parts.length < 6 ? undefined : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

const equals = texts('literal', oneOf(String));
const equalsIgnoreCase = texts(
  'literal',
  oneOf((text) => text.toLowerCase()),
);
const like = texts('pattern', anyOf(compilePattern));
const arn = texts('pattern', anyOf(arnMatcher));
const number = (holds: (wanted: number, actual: number) => boolean) => readValues(readNumber, holds);
const time = (holds: (wanted: number, actual: number) => boolean) => readValues(readTime, holds);
const same = <Value>(wanted: Value, actual: Value): boolean => wanted === actual;

const is = (compile: Operator['compile']): Operator => ({ compile, negated: false });
const isNot = (compile: Operator['compile']): Operator => ({ compile, negated: true });

const table: Record<string, Operator> = {
  StringEquals: is(equals),
  StringNotEquals: isNot(equals),
  StringEqualsIgnoreCase: is(equalsIgnoreCase),
  StringNotEqualsIgnoreCase: isNot(equalsIgnoreCase),
  StringLike: is(like),
  StringNotLike: isNot(like),
  NumericEquals: is(number(same)),
  NumericNotEquals: isNot(number(same)),
  NumericLessThan: is(number((wanted, actual) => actual < wanted)),
  NumericLessThanEquals: is(number((wanted, actual) => actual <= wanted)),
  NumericGreaterThan: is(number((wanted, actual) => actual > wanted)),
  NumericGreaterThanEquals: is(number((wanted, actual) => actual >= wanted)),
  DateEquals: is(time(same)),
  DateNotEquals: isNot(time(same)),
  DateLessThan: is(time((wanted, actual) => actual < wanted)),
  DateLessThanEquals: is(time((wanted, actual) => actual <= wanted)),
  DateGreaterThan: is(time((wanted, actual) => actual > wanted)),
  DateGreaterThanEquals: is(time((wanted, actual) => actual >= wanted)),
  Bool: is(readValues(readBool, same)),
  BinaryEquals: is(readValues(readBytes, same)),
  IpAddress: is(networks),
  NotIpAddress: isNot(networks),
  ArnEquals: is(arn),
  ArnNotEquals: isNot(arn),
  ArnLike: is(arn),
  ArnNotLike: isNot(arn),
};

/** A Map, so that no name resolves to Object.prototype. Names are compared without case. */
const operators = new Map(Object.entries(table).map(([name, operator]) => [name.toLowerCase(), operator]));

export const operatorNames: readonly string[] = [...Object.keys(table), 'Null'];

export interface OperatorUse {
  readonly operator: Operator | 'Null';
  readonly qualifier: 'ForAllValues' | 'ForAnyValue' | undefined;
  readonly ifExists: boolean;
}

/** `ForAnyValue:StringLikeIfExists` and its parts. Undefined for what IAM does not know. */
export function parseOperator(text: string): OperatorUse | undefined {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/i.exec(text);
  if (match === null) return undefined;
  const [, qualifierText, name = '', ifExistsText] = match;
  const qualifier = qualifierText === undefined ? undefined : qualifierText.toLowerCase() === 'forallvalues' ? 'ForAllValues' : 'ForAnyValue';
  if (name.toLowerCase() === 'null') return ifExistsText === undefined && qualifier === undefined ? { operator: 'Null', qualifier, ifExists: false } : undefined;
  const operator = operators.get(name.toLowerCase());
  return operator === undefined ? undefined : { operator, qualifier, ifExists: ifExistsText !== undefined };
}
