/**
 * The condition operators of the IAM policy language. Each says how one policy value compares with one value of the request. Reference: IAM User
 * Guide, "IAM JSON policy elements: Condition operators".
 */
import { BlockList, isIP } from 'node:net';
import { matchesGlob } from './glob.ts';

/** @param wanted the policy's value  @param actual the request's value */
export type Comparison = (wanted: string, actual: string) => boolean;

export interface Operator {
  readonly compare: Comparison;
  /** Negated operators hold when no policy value matches, and when the request does not have the key. */
  readonly negated: boolean;
}

const asNumber = (text: string): number => (/^-?[0-9]+(\.[0-9]+)?$/.test(text.trim()) ? Number(text) : Number.NaN);
/** ISO 8601 or epoch seconds. */
const asTime = (text: string): number => (/^-?[0-9]+$/.test(text) ? Number(text) * 1000 : Date.parse(text));
const numbers =
  (holds: (wanted: number, actual: number) => boolean): Comparison =>
  (wanted, actual) =>
    holds(asNumber(wanted), asNumber(actual));
const times =
  (holds: (wanted: number, actual: number) => boolean): Comparison =>
  (wanted, actual) =>
    holds(asTime(wanted), asTime(actual));

/** Each of the six parts of an ARN is matched by itself, so that a wildcard does not run across a colon. */
function arnLike(wanted: string, actual: string): boolean {
  const pattern = splitArn(wanted);
  const value = splitArn(actual);
  return pattern !== undefined && value !== undefined && pattern.every((part, at) => matchesGlob(part, value[at]!));
}

function splitArn(arn: string): string[] | undefined {
  const parts = arn.split(':');
  if (parts.length < 6) return undefined;
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}

function inNetwork(wanted: string, actual: string): boolean {
  const [network = '', bits] = wanted.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(actual) !== family) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
  const list = new BlockList();
  try {
    list.addSubnet(network, prefix, type);
  } catch {
    return false;
  }
  return list.check(actual, type);
}

const is = (compare: Comparison): Operator => ({ compare, negated: false });
const isNot = (compare: Comparison): Operator => ({ compare, negated: true });
const equals: Comparison = (wanted, actual) => wanted === actual;
const equalsIgnoreCase: Comparison = (wanted, actual) => wanted.toLowerCase() === actual.toLowerCase();
const binaryEquals: Comparison = (wanted, actual) => Buffer.from(wanted, 'base64').equals(Buffer.from(actual, 'base64'));

const table: Record<string, Operator> = {
  StringEquals: is(equals),
  StringNotEquals: isNot(equals),
  StringEqualsIgnoreCase: is(equalsIgnoreCase),
  StringNotEqualsIgnoreCase: isNot(equalsIgnoreCase),
  StringLike: is(matchesGlob),
  StringNotLike: isNot(matchesGlob),
  NumericEquals: is(numbers((a, b) => a === b)),
  NumericNotEquals: isNot(numbers((a, b) => a === b)),
  NumericLessThan: is(numbers((wanted, actual) => actual < wanted)),
  NumericLessThanEquals: is(numbers((wanted, actual) => actual <= wanted)),
  NumericGreaterThan: is(numbers((wanted, actual) => actual > wanted)),
  NumericGreaterThanEquals: is(numbers((wanted, actual) => actual >= wanted)),
  DateEquals: is(times((a, b) => a === b)),
  DateNotEquals: isNot(times((a, b) => a === b)),
  DateLessThan: is(times((wanted, actual) => actual < wanted)),
  DateLessThanEquals: is(times((wanted, actual) => actual <= wanted)),
  DateGreaterThan: is(times((wanted, actual) => actual > wanted)),
  DateGreaterThanEquals: is(times((wanted, actual) => actual >= wanted)),
  Bool: is(equalsIgnoreCase),
  BinaryEquals: is(binaryEquals),
  IpAddress: is(inNetwork),
  NotIpAddress: isNot(inNetwork),
  ArnEquals: is(arnLike),
  ArnNotEquals: isNot(arnLike),
  ArnLike: is(arnLike),
  ArnNotLike: isNot(arnLike),
};

/** Null prototype: a policy names operators, and none may resolve to Object.prototype. Names are compared without case. */
const operators: Record<string, Operator> = Object.assign(Object.create(null), Object.fromEntries(Object.entries(table).map(([name, operator]) => [name.toLowerCase(), operator])));

export type SetQualifier = 'ForAllValues' | 'ForAnyValue';

export interface OperatorUse {
  readonly operator: Operator | 'Null';
  readonly qualifier: SetQualifier | undefined;
  readonly ifExists: boolean;
}

/** `ForAnyValue:StringLikeIfExists` and its parts. Undefined for what IAM does not know. */
export function parseOperator(text: string): OperatorUse | undefined {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/i.exec(text);
  if (match === null) return undefined;
  const [, qualifierText, name = '', ifExistsText] = match;
  const qualifier = qualifierText === undefined ? undefined : qualifierText.toLowerCase() === 'forallvalues' ? 'ForAllValues' : 'ForAnyValue';
  if (name.toLowerCase() === 'null') return ifExistsText === undefined ? { operator: 'Null', qualifier, ifExists: false } : undefined;
  const operator = operators[name.toLowerCase()];
  return operator === undefined ? undefined : { operator, qualifier, ifExists: ifExistsText !== undefined };
}
