// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
import { describe, expect, test } from 'vitest';
import { compilePolicy, evaluatePolicy } from '#shared/policy/compiled-policy.ts';
import { decideByIdentity, decideOnKey } from '#shared/policy/decide.ts';
import { policyBytesMax } from '#shared/policy/policy-document.ts';
import type { Fact, Facts } from '#shared/policy/request-facts.ts';
import { requestFacts } from '#shared/policy/request-facts.ts';
import { DecisionTooCostly, Work } from '#shared/policy/work.ts';

const account = '111122223333';
const principal = { arn: `arn:aws:iam::${account}:user/ann`, account, id: 'AIDAANN0000000000001' };
const key = 'kms:EncryptionContext:a';
const bound = 4_000_000;

type Statement = Record<string, unknown>;
const allow: Statement = { Effect: 'Allow', Action: '*', Resource: '*' };
const document = (...Statement: Statement[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
/** As many copies of a value as a policy has room for. */
function full(operator: string, value: string): Statement {
  const room = policyBytesMax - 600;
  return { ...allow, Effect: 'Deny', Condition: { [operator]: { [key]: Array.from({ length: Math.floor(room / (JSON.stringify(value).length + 1)) }, () => value) } } };
}
const request = (facts: Facts) => ({ principal, action: 'kms:Encrypt', resource: 'arn', facts });
const decide = (statements: readonly Statement[], facts: Facts) => decideByIdentity([{ role: 'r', policy: compilePolicy(document(...statements), 'identity') }], request(facts));
const value = 'a'.repeat(8000);
const facts: ReadonlyMap<string, Fact> = new Map<string, Fact>([
  [key.toLowerCase(), value],
  ['aws:userid', 'a'.repeat(8000)],
]);

/** Steps that a decision takes when nothing bounds it, as far as they are worth counting. */
function steps(statements: readonly Statement[], given: Facts): number {
  const plenty = 40_000_000;
  const work = new Work(plenty);
  try {
    evaluatePolicy(compilePolicy(document(...statements), 'identity'), { ...request(given), work });
  } catch (error) {
    if (!(error instanceof DecisionTooCostly)) throw error;
    return plenty;
  }
  return plenty - work.left;
}

describe('a policy as large as one may be, against values as long as they may be', () => {
  test.each([
    ['one long pattern that almost matches everywhere', [{ ...allow, Effect: 'Deny', Condition: { StringLike: { [key]: `*${'a'.repeat(4000)}b` } } }]],
    ['thousands of short patterns', [full('StringLike', '*b')]],
    ['thousands of long variables', [full('StringLike', '*${aws:userid}b')]],
    ['variables after variables', [full('StringEquals', '${aws:userid}'.repeat(40))]],
    ['ARN patterns', [full('ArnLike', 'arn:a:b:c:d:*a*a*b')]],
    ['resources of variables', [{ ...allow, Effect: 'Deny', Resource: Array.from({ length: 1500 }, () => '${aws:userid}*') }]],
  ])('%s: the decision stops at its bound, and stopping is an explicit deny', (_, statements) => {
    const over = steps(statements, facts);
    const decision = decide([allow, ...statements], facts);

    expect(over).toBeGreaterThan(bound);
    expect(decision).toEqual({ outcome: 'explicitly-denied', grounds: [{ source: 'work-bound' }] });
  });

  test('a Deny behind what costs too much does not vanish, whichever document it is in', () => {
    const costly = { ...full('StringLike', '*b'), Effect: 'Allow' };
    const deny = { ...allow, Effect: 'Deny' };
    const compiled = (...statements: Statement[]) => ({ role: 'r', policy: compilePolicy(document(...statements), 'identity') });
    const open = { account, policy: compilePolicy(document({ ...allow, Principal: '*' }), 'key'), grants: [], grantRequest: { encryptionContext: {} } };
    const closed = { ...open, policy: compilePolicy(document({ ...costly, Principal: '*' }, { ...deny, Principal: '*' }), 'key') };

    expect(decide([allow, costly, deny], facts).outcome).toBe('explicitly-denied');
    expect(decideOnKey(open, [compiled(costly), compiled(deny)], request(facts)).outcome).toBe('explicitly-denied');
    expect(decideOnKey(closed, [compiled(allow)], request(facts)).outcome).toBe('explicitly-denied');
  });

  test.each([
    ['equal values', [full('StringEquals', 'b')]],
    ['equal values but for case', [full('StringEqualsIgnoreCase', 'b')]],
    ['numbers', [full('NumericEquals', '1')]],
    ['addresses', [full('IpAddress', '10.0.0.0/8')]],
    ['patterns that begin with their text', [full('StringLike', 'b*')]],
  ])('%s are far below the bound', (_, statements) => {
    expect(steps(statements, facts)).toBeLessThan(bound / 50);
    expect(decide([allow, ...statements], facts).outcome).toBe('allowed');
  });

  test('items of a batch share one bound', () => {
    const batch = Work.ofBatch();
    const policy = {
      role: 'r',
      policy: compilePolicy(document(allow, { ...allow, Effect: 'Deny', Condition: { StringLike: { [key]: Array.from({ length: 300 }, () => '*b') } } }), 'identity'),
    };
    const outcomes = Array.from({ length: 20 }, () => decideByIdentity([policy], { ...request(facts), work: new Work(undefined, batch) }).outcome);

    expect(outcomes.slice(0, 3)).toEqual(['allowed', 'allowed', 'allowed']);
    expect(outcomes.slice(-3)).toEqual(['explicitly-denied', 'explicitly-denied', 'explicitly-denied']);
  });
});

describe('what policy text costs when it is compiled', () => {
  test.each([
    ['a variable of blanks', `\${${' '.repeat(30_000)},x}`],
    ['a variable of blanks before a default', `\${${' '.repeat(15_000)}x${' '.repeat(15_000)},'}`],
    ['variables that never end', '${'.repeat(16_000)],
  ])('%s does not hang', (_, text) => {
    const policy = compilePolicy(document({ ...allow, Resource: text }), 'identity');

    expect(evaluatePolicy(policy, request(new Map())).effect).toBe('none');
  });
});

test('a context is looked through once, however many of its pairs a policy asks for', () => {
  let reads = 0;
  const EncryptionContext = new Proxy(Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`Name${at}`, 'v'])), {
    ownKeys(target) {
      reads += 1;
      return Reflect.ownKeys(target);
    },
  });
  const source = { operation: 'Encrypt', input: { EncryptionContext } } as unknown as Parameters<typeof requestFacts>[0];
  const { get } = requestFacts(source);

  for (let at = 0; at < 500; at += 1) expect(get(`kms:encryptioncontext:name${at}`)).toBe('v');
  expect(reads).toBe(1);
});
