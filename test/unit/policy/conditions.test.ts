// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
import { describe, expect, test } from 'vitest';
import { compileCondition, conditionHolds } from '#shared/policy/condition.ts';
import { operatorNames, parseOperator } from '#shared/policy/condition-operators.ts';
import type { Fact } from '#shared/policy/request-facts.ts';

type Block = Record<string, Record<string, unknown>>;
const holds = (block: Block, facts: Record<string, Fact>, effect: 'Allow' | 'Deny' = 'Allow'): boolean =>
  conditionHolds(compileCondition(block, true), effect, new Map(Object.entries(facts)));

/** Operator, value of the policy, value of the request, whether it holds. After the tables of the IAM User Guide, "Condition operators". */
const comparisons: readonly (readonly [string, string | readonly string[], string, boolean])[] = [
  ['StringEquals', 'iamuser', 'iamuser', true],
  ['StringEquals', 'iamuser', 'IamUser', false],
  ['StringEquals', 'iam*', 'iamuser', false],
  ['StringEquals', ['a', 'b'], 'b', true],
  ['StringNotEquals', 'a', 'b', true],
  ['StringNotEquals', ['a', 'b'], 'b', false],
  ['StringEqualsIgnoreCase', 'JohnDoe', 'johndoe', true],
  ['StringNotEqualsIgnoreCase', 'JohnDoe', 'johndoe', false],
  ['StringLike', 'pay*-202?', 'payroll-2026', true],
  ['StringLike', 'pay*-202?', 'Payroll-2026', false],
  ['StringLike', '*', '', true],
  ['StringNotLike', 'pay*', 'payroll', false],
  ['NumericEquals', '10', '10.0', true],
  ['NumericNotEquals', '10', '11', true],
  ['NumericLessThan', '10', '9', true],
  ['NumericLessThan', '10', '10', false],
  ['NumericLessThanEquals', '10', '10', true],
  ['NumericGreaterThan', '10', '11', true],
  ['NumericGreaterThanEquals', '10', '9', false],
  ['NumericEquals', '10', 'ten', false],
  ['NumericNotEquals', '10', 'ten', true],
  ['DateEquals', '2026-01-15T12:00:00Z', '2026-01-15T12:00:00.000Z', true],
  ['DateNotEquals', '2026-01-15', '2026-01-16T00:00:00Z', true],
  ['DateLessThan', '2026-01-15T12:00:00Z', '2026-01-15T11:59:59Z', true],
  ['DateGreaterThan', '2026-01-15T12:00:00+02:00', '2026-01-15T10:30:00Z', true],
  ['DateGreaterThan', '1768478400', '2026-01-15T12:00:01Z', true],
  ['DateLessThanEquals', '2026-01-15', '2026-01-15T00:00:00Z', true],
  ['DateGreaterThanEquals', '2026-01-15', 'yesterday', false],
  ['Bool', 'true', 'true', true],
  ['Bool', 'TRUE', 'true', true],
  ['Bool', 'true', 'false', false],
  ['BinaryEquals', 'QmluYXJ5', 'QmluYXJ5', true],
  ['BinaryEquals', 'QmluYXJ5', 'qmluyxj5', false],
  ['IpAddress', '203.0.113.0/24', '203.0.113.255', true],
  ['IpAddress', '203.0.113.0/24', '203.0.114.0', false],
  ['IpAddress', ['192.0.2.0/30', '2001:db8::/33'], '2001:db8:7fff::1', true],
  ['IpAddress', '2001:db8::/33', '2001:db8:8000::1', false],
  ['IpAddress', '203.0.113.7', '::ffff:203.0.113.7', true],
  ['IpAddress', '0.0.0.0/0', '2001:db8::1', false],
  ['NotIpAddress', '203.0.113.0/24', '203.0.114.0', true],
  ['NotIpAddress', '203.0.113.0/24', 'not an address', true],
  ['ArnEquals', 'arn:aws:iam::111122223333:role/*', 'arn:aws:iam::111122223333:role/team/x', true],
  ['ArnLike', 'arn:aws:iam::*:role/x', 'arn:aws:iam::111122223333:role/x', true],
  ['ArnLike', 'arn:aws:*:role/x', 'arn:aws:iam::111122223333:role/x', false],
  ['ArnLike', 'arn:*:iam::111122223333:role/x', 'arn:aws:evil:iam::111122223333:role/x', false],
  ['ArnLike', '*', 'arn:aws:iam::111122223333:role/x', true],
  ['ArnLike', 'arn:aws:iam::111122223333:role/x', 'not an arn', false],
  ['ArnNotEquals', 'arn:aws:iam::111122223333:role/x', 'arn:aws:iam::111122223333:role/y', true],
  ['ArnNotLike', 'arn:aws:iam::111122223333:role/*', 'arn:aws:iam::111122223333:role/y', false],
];

describe('condition operators', () => {
  test.each(comparisons)('%s %j and the value %s: %s', (operator, wanted, actual, expected) => {
    expect(holds({ [operator]: { 'aws:Key': wanted } }, { 'aws:key': actual })).toBe(expected);
  });

  test('the table above has every operator', () => {
    expect(operatorNames.filter((name) => name !== 'Null' && !comparisons.some(([operator]) => operator === name))).toEqual([]);
  });

  const negated = operatorNames.filter((name) => /Not/.test(name));
  const value = (name: string): string => (/Date/.test(name) ? '2026-01-15' : /Ip/.test(name) ? '192.0.2.1' : /Numeric/.test(name) ? '1' : /Bool/.test(name) ? 'true' : 'abcd');

  test.each(operatorNames.filter((name) => name !== 'Null'))('%s on a key that the request does not have', (name) => {
    const without = (operator: string) => holds({ [operator]: { 'aws:key': value(name) } }, {});

    expect(without(name)).toBe(negated.includes(name));
    expect(without(`${name}IfExists`)).toBe(true);
    expect(without(`ForAllValues:${name}`)).toBe(true);
    expect(without(`ForAnyValue:${name}`)).toBe(false);
  });

  test.each([
    ['true', undefined, true],
    ['true', 'x', false],
    ['false', 'x', true],
    ['false', undefined, false],
    ['true', [], true],
  ])('Null %s and the value %j: %s', (wanted, actual, expected) => {
    expect(holds({ Null: { 'aws:key': wanted } }, { 'aws:key': actual })).toBe(expected);
  });

  test.each(['StringEqual', 'Stringequals ', '', 'IfExists', 'NullIfExists', 'ForSomeValues:StringEquals', 'toString', 'constructor', '__proto__', 'ForAllValues:Null'])(
    'the operator %j is not known',
    (name) => {
      expect(parseOperator(name)).toBeUndefined();
    },
  );

  test.each([
    ['NumericEquals', 'ten'],
    ['DateEquals', 'soon'],
    ['Bool', 'yes'],
    ['IpAddress', '203.0.113.0/33'],
    ['IpAddress', '203.0.113'],
    ['NotIpAddress', '2001:db8::/129'],
    ['Null', 'maybe'],
    ['BinaryEquals', 'not base64!'],
  ])('%s cannot read %s, which is said when the policy is put and not when it is needed', (operator, wanted) => {
    expect(() => compileCondition({ [operator]: { 'aws:key': wanted } }, true)).toThrow(operator);
  });
});

describe('keys with several values', () => {
  const keys = { 'aws:tagkeys': ['team', 'cost'] };

  test.each([
    ['ForAllValues:StringEquals', ['team', 'cost', 'more'], true],
    ['ForAllValues:StringEquals', ['team'], false],
    ['ForAnyValue:StringEquals', ['team'], true],
    ['ForAnyValue:StringEquals', ['other'], false],
    ['ForAllValues:StringNotEquals', ['other'], true],
    ['ForAllValues:StringNotEquals', ['team'], false],
    ['ForAnyValue:StringNotEquals', ['team'], true],
    ['ForAnyValue:StringNotEquals', ['team', 'cost'], false],
    ['StringEquals', ['cost'], true],
    ['StringNotEquals', ['cost'], false],
    ['StringNotEquals', ['other'], true],
  ])('%s %j: %s', (operator, wanted, expected) => {
    expect(holds({ [operator]: { 'aws:TagKeys': wanted } }, keys)).toBe(expected);
  });

  test('an empty set, or an empty string, is no value to the set operators', () => {
    for (const empty of [[], '', ['']]) {
      expect(holds({ 'ForAllValues:StringEquals': { 'aws:key': 'a' } }, { 'aws:key': empty })).toBe(true);
      expect(holds({ 'ForAnyValue:StringEquals': { 'aws:key': '' } }, { 'aws:key': empty })).toBe(false);
    }
  });
});

describe('blocks and names', () => {
  test('every operator and every key in a block must hold', () => {
    const block = { StringEquals: { 'kms:CallerAccount': '1', 'kms:ViaService': 's3' }, Bool: { 'aws:SecureTransport': 'true' } };
    const facts = { 'kms:calleraccount': '1', 'kms:viaservice': 's3', 'aws:securetransport': 'true' };

    expect(holds(block, facts)).toBe(true);
    for (const name of Object.keys(facts)) expect(holds(block, { ...facts, [name]: 'other' })).toBe(false);
  });

  test('names of keys and operators are compared without case; booleans and numbers may stand without quotes', () => {
    expect(holds({ stringequals: { 'KMS:callerACCOUNT': '1' } }, { 'kms:calleraccount': '1' })).toBe(true);
    expect(
      holds({ Bool: { 'aws:SecureTransport': true }, NumericLessThan: { 'aws:MultiFactorAuthAge': 10 } }, { 'aws:securetransport': 'true', 'aws:multifactorauthage': '9' }),
    ).toBe(true);
  });
});

describe('policy variables', () => {
  const facts = { 'aws:username': 'ann*', 'aws:principaltag/team': 'blue', 'aws:tagkeys': ['a', 'b'] };
  const like = (pattern: string, value: string) => holds({ StringLike: { 'aws:value': pattern } }, { ...facts, 'aws:value': value });

  test('a variable stands for the value of the request', () => {
    expect(like(`\${aws:PrincipalTag/team}-*`, 'blue-1')).toBe(true);
    expect(like(`\${aws:PrincipalTag/team}-*`, 'red-1')).toBe(false);
  });

  test('a wildcard that comes in through a value is a plain character', () => {
    expect(like(`\${aws:username}`, 'ann*')).toBe(true);
    expect(like(`\${aws:username}`, 'anna')).toBe(false);
  });

  test('escapes are plain characters, in patterns and in texts', () => {
    expect(like('a${*}b${?}${$}', 'a*b?$')).toBe(true);
    expect(like('a${*}b', 'axxb')).toBe(false);
    expect(holds({ StringEquals: { 'aws:value': 'a${*}' } }, { 'aws:value': 'a*' })).toBe(true);
  });

  test('a variable without a single value matches nothing, unless it has a default', () => {
    expect(like(`\${aws:PrincipalTag/none}`, '')).toBe(false);
    expect(like(`\${aws:TagKeys}`, 'a')).toBe(false);
    expect(like(`\${aws:PrincipalTag/none, 'grey'}`, 'grey')).toBe(true);
  });

  test('a comparison that cannot be made never widens access: a negated one fails an Allow and holds for a Deny', () => {
    const block = { StringNotEquals: { 'aws:value': `\${aws:PrincipalTag/none}` } };

    expect(holds(block, { 'aws:value': 'x' }, 'Allow')).toBe(false);
    expect(holds(block, { 'aws:value': 'x' }, 'Deny')).toBe(true);
  });

  test('policies of an older version have no variables', () => {
    const condition = compileCondition({ StringEquals: { 'aws:value': `\${aws:username}` } }, false);

    expect(conditionHolds(condition, 'Allow', new Map([['aws:value', `\${aws:username}`]]))).toBe(true);
  });
});
