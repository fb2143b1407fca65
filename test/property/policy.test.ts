import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CompiledPolicy, compilePolicy } from '#shared/policy/compiled-policy.ts';
import { type Decision, decideOnKey } from '#shared/policy/decide.ts';
import { compilePattern, toPattern } from '#shared/policy/glob.ts';
import { parseIp, parseNetwork } from '#shared/policy/ip-network.ts';
import { repeatedMember } from '#shared/policy/repeated-member.ts';
import type { Fact } from '#shared/policy/request-facts.ts';
import { Work } from '#shared/policy/work.ts';

const account = '111122223333';
const arnOf = (name: string, of = account): string => `arn:aws:iam::${of}:user/${name}`;
const names = ['ann', 'bob', 'eve'] as const;
const keyArn = `arn:aws:kms:eu-west-1:${account}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;

const principal = fc.oneof(
  fc.constant('*'),
  fc.subarray([...names], { minLength: 1 }).map((chosen) => ({ AWS: chosen.map((name) => arnOf(name)) })),
  fc.constantFrom({ AWS: account }, { AWS: '999988887777' }, { Service: 's3.amazonaws.com' }),
);
const action = fc.constantFrom('kms:*', 'kms:Encrypt', 'kms:Decrypt', 'kms:En*', '*', 'kms:?ecrypt');
const condition = fc.option(
  fc.constantFrom(
    { StringEquals: { 'kms:CallerAccount': account } },
    { StringNotEquals: { 'kms:ViaService': 's3' } },
    { Bool: { 'aws:SecureTransport': 'false' } },
    { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['a', 'b'] } },
    { StringLike: { 'aws:PrincipalArn': `arn:aws:iam::*:user/\${aws:username}` } },
    { Null: { 'kms:ViaService': 'true' } },
  ),
  { nil: undefined },
);
const statement = fc.record({
  Effect: fc.constantFrom('Allow', 'Deny'),
  Principal: principal,
  Action: action,
  Resource: fc.constantFrom('*', keyArn, 'arn:aws:kms:*:*:key/*'),
  Condition: condition,
});
type Statement = { Effect: string; Principal: unknown; Action: string; Resource: string; Condition?: unknown };

const request = fc.record({
  name: fc.constantFrom(...names),
  of: fc.constantFrom(account, '999988887777'),
  action: fc.constantFrom('kms:Encrypt', 'kms:Decrypt', 'kms:PutKeyPolicy'),
  via: fc.option(fc.constantFrom('s3', 'rds'), { nil: undefined }),
  secure: fc.boolean(),
  contextKeys: fc.subarray(['a', 'b', 'c']),
});
type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

const compile = (statements: readonly Statement[], kind: 'key' | 'identity' = 'key'): CompiledPolicy =>
  compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: kind === 'key' ? statements : statements.map(({ Principal: _, ...rest }) => rest) }), kind);

function decide(policy: readonly Statement[], role: readonly Statement[], { name, of, action: wanted, via, secure, contextKeys }: Request): Decision {
  const facts = new Map<string, Fact>([
    ['kms:calleraccount', of],
    ['kms:viaservice', via],
    ['aws:securetransport', String(secure)],
    ['kms:encryptioncontextkeys', contextKeys],
    ['aws:principalarn', arnOf(name, of)],
    ['aws:username', name],
  ]);
  const documents = role.length === 0 ? [] : [{ role: 'r', policy: compile(role, 'identity') }];
  const caller = { arn: arnOf(name, of), account: of, id: `AIDA${name.toUpperCase().padEnd(17, '0')}` };
  return decideOnKey({ account, policy: compile(policy), grants: [], grantRequest: { encryptionContext: {} } }, documents, {
    principal: caller,
    action: wanted,
    resource: keyArn,
    facts,
  });
}

const policy = fc.array(statement, { minLength: 1, maxLength: 6 });
const role = fc.array(statement, { maxLength: 4 });

describe('policies', () => {
  test('one more Deny never allows what was not allowed before', () => {
    fc.assert(
      fc.property(policy, role, statement, fc.boolean(), request, (given, documents, more, inKey, asked) => {
        const deny = { ...more, Effect: 'Deny' };
        const before = decide(given, documents, asked);
        const after = inKey ? decide([...given, deny], documents, asked) : decide(given, [...documents, deny], asked);
        if (before.outcome !== 'allowed') expect(after.outcome).not.toBe('allowed');
        if (before.outcome === 'explicitly-denied') expect(after.outcome).toBe('explicitly-denied');
      }),
      { numRuns: 1000 },
    );
  });

  test('a Deny that applies denies, wherever it stands and whatever stands beside it', () => {
    fc.assert(
      fc.property(policy, role, statement, fc.nat(), fc.boolean(), request, (given, documents, more, at, inKey, asked) => {
        const deny = { ...more, Effect: 'Deny' };
        const into = (statements: readonly Statement[]): Statement[] => statements.toSpliced(at % (statements.length + 1), 0, deny);
        const alone = inKey ? decide([deny], [], asked) : decide([{ ...deny, Action: 'kms:Nothing' }], [deny], asked);
        const among = inKey ? decide(into(given), documents, asked) : decide(given, into(documents), asked);
        if (alone.outcome === 'explicitly-denied') expect(among.outcome).toBe('explicitly-denied');
      }),
      { numRuns: 1000 },
    );
  });

  test('one more Allow never denies what was allowed before', () => {
    fc.assert(
      fc.property(policy, role, statement, request, (given, documents, more, asked) => {
        if (decide(given, documents, asked).outcome === 'allowed') expect(decide([...given, { ...more, Effect: 'Allow' }], documents, asked).outcome).toBe('allowed');
      }),
      { numRuns: 1000 },
    );
  });

  test('the order of statements decides nothing', () => {
    const shuffled = policy.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length })));
    fc.assert(
      fc.property(shuffled, role, request, ([given, other], documents, asked) => {
        expect(decide(other, [...documents].reverse(), asked).outcome).toBe(decide(given, documents, asked).outcome);
      }),
      { numRuns: 1000 },
    );
  });

  test('a statement that names one principal changes nothing for another', () => {
    fc.assert(
      fc.property(policy, role, statement, fc.constantFrom(...names), request, (given, documents, more, named, asked) => {
        fc.pre(asked.name !== named);
        const one = { ...more, Principal: { AWS: arnOf(named, asked.of) } };
        expect(decide([...given, one], documents, asked)).toEqual(decide(given, documents, asked));
      }),
      { numRuns: 1000 },
    );
  });

  test('a principal of another account is never allowed by the key policy alone', () => {
    fc.assert(
      fc.property(policy, request, (given, asked) => {
        if (asked.of !== account) expect(decide(given, [], asked).outcome).not.toBe('allowed');
      }),
    );
  });

  test('documents of any shape are compiled or refused as malformed, never anything else', () => {
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.record({ Version: fc.constant('2012-10-17'), Statement: fc.oneof(fc.jsonValue(), statement, fc.array(fc.oneof(statement, fc.jsonValue()))) }),
    );
    fc.assert(
      fc.property(odd, fc.constantFrom('key' as const, 'identity' as const), (value, kind) => {
        try {
          compilePolicy(JSON.stringify(value), kind);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MalformedPolicyDocumentException' });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('members', () => {
  test('JSON that was made of a value has none twice; a copy of a member in any of its objects is found', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(value, fc.string({ minLength: 1 }), value, (inner, name, other) => {
        expect(repeatedMember(JSON.stringify(inner))).toBeUndefined();
        const twice = `[${JSON.stringify(inner)}, {"a": {${JSON.stringify(name)}: ${JSON.stringify(inner)}, ${escaped(name)}: ${JSON.stringify(other)}}}]`;
        expect(repeatedMember(twice)).toBe(name);
      }),
      { numRuns: 500 },
    );
  });
});

/** The same name in another spelling. */
const escaped = (name: string): string => `"${Array.from({ length: name.length }, (_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;

describe('patterns', () => {
  test('match as the regular expression of the same meaning does', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', ':'), maxLength: 10 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 12 });
    fc.assert(
      fc.property(letters, text, (pattern, value) => {
        const regex = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(compilePattern(toPattern(pattern))(value, new Work())).toBe(regex.test(value));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('networks', () => {
  test('an IPv4 block holds exactly the addresses that share its first bits', () => {
    const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 });
    const number = (address: readonly number[]): number => address.reduce((sum, byte) => sum * 256 + byte, 0);
    fc.assert(
      fc.property(bytes, bytes, fc.integer({ min: 0, max: 32 }), (base, other, bits) => {
        const shared = Math.floor(number(base) / 2 ** (32 - bits)) === Math.floor(number(other) / 2 ** (32 - bits));
        expect(parseNetwork(`${base.join('.')}/${bits}`)?.contains(parseIp(other.join('.'))!)).toBe(shared);
      }),
    );
  });

  test('an IPv6 address is the same in every spelling', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const bytes = parseIp(text);
        expect(bytes).toBeDefined();
        expect(parseNetwork(text)?.contains(bytes!)).toBe(true);
      }),
    );
  });

  test.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', '::1::', ':1', '1:2:3:4:5:6:7:8:9', 'g::', '1.2.3.4:80', '::1.2.3'])('%j is no address', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});
