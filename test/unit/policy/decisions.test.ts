import { describe, expect, test } from 'vitest';
import { builtInRoles } from '#shared/policy/built-in-roles.ts';
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { decideByIdentity, decideOnKey, type RoleDocument } from '#shared/policy/decide.ts';
import type { GrantRecord } from '#shared/policy/grant.ts';
import { canonicalPrincipal } from '#shared/policy/principal-names.ts';

const account = '111122223333';
const keyArn = `arn:aws:kms:eu-west-1:${account}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const user = { arn: `arn:aws:iam::${account}:user/ann`, account, id: 'AIDAANN0000000000001' };
const root = { arn: `arn:aws:iam::${account}:root`, account, id: account };
const session = { arn: `arn:aws:sts::${account}:assumed-role/Deploy/run-7`, account, id: 'AROADEPLOY000000001:run-7' };
const stranger = { arn: 'arn:aws:iam::999988887777:user/eve', account: '999988887777', id: 'AIDAEVE0000000000001' };

type Statement = Record<string, unknown>;
const allow = (principal: unknown, more: Statement = {}): Statement => ({ Effect: 'Allow', Principal: principal, Action: 'kms:Encrypt', Resource: '*', ...more });
const deny = (principal: unknown, more: Statement = {}): Statement => ({ ...allow(principal, more), Effect: 'Deny' });
const document = (...Statement: Statement[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const role = (...statements: Statement[]): RoleDocument => ({ role: 'test', policy: compilePolicy(document(...statements), 'identity') });
const mayEncrypt = role({ Effect: 'Allow', Action: 'kms:Encrypt', Resource: '*' });

interface Given {
  readonly principal?: typeof user;
  readonly policy?: Statement[];
  readonly roles?: RoleDocument[];
  readonly grants?: Partial<GrantRecord>[];
  readonly facts?: Record<string, string>;
  readonly context?: Record<string, string>;
  readonly action?: string;
}
const decide = ({ principal = user, policy = [deny('*', { Action: 'kms:Nothing' })], roles = [], grants = [], facts = {}, context = {}, action = 'kms:Encrypt' }: Given) => {
  const whole = grants.map((grant) => ({ grantee: principal.arn, operations: ['Encrypt'], grantId: 'g', ...grant }) as GrantRecord);
  return decideOnKey({ account, policy: compilePolicy(document(...policy), 'key'), grants: whole, grantRequest: { encryptionContext: context } }, roles, {
    principal,
    action,
    resource: keyArn,
    facts: new Map(Object.entries(facts)),
  });
};
const outcome = (given: Given): string => decide(given).outcome;

describe('within the account of the key', () => {
  test.each([
    ['its ARN', user, user.arn],
    ['its unique id', user, user.id],
    ['everybody', user, '*'],
    ['the role of a session', session, `arn:aws:iam::${account}:role/Deploy`],
    ['the role of a session, with the path that the session has lost', session, `arn:aws:iam::${account}:role/team/a/Deploy`],
    ['the unique id of the role of a session', session, 'AROADEPLOY000000001'],
    ['one session', session, session.arn],
    ['the account, for its root', root, account],
  ])('a key policy that names the principal by %s is enough', (_, principal, name) => {
    expect(outcome({ principal, policy: [allow({ AWS: name })] })).toBe('allowed');
  });

  test.each([
    ['another user', { AWS: `arn:aws:iam::${account}:user/annabel` }],
    ['another unique id', { AWS: 'AIDAANN0000000000002' }],
    ['another account', { AWS: '999988887777' }],
    ['a service', { Service: 's3.amazonaws.com' }],
  ])('a key policy that names %s is not', (_, principal) => {
    expect(outcome({ policy: [allow(principal)], roles: [mayEncrypt] })).toBe('denied');
  });

  test('a federated user, whose unique id begins with that of the account, is not the account', () => {
    const principal = { arn: `arn:aws:sts::${account}:federated-user/bob`, account, id: `${account}:bob` };

    expect(outcome({ principal, policy: [allow({ AWS: account })] })).toBe('denied');
    expect(outcome({ principal, policy: [allow({ AWS: account })], roles: [mayEncrypt] })).toBe('allowed');
  });

  test('a key policy that names the account hands the decision to identity documents', () => {
    for (const name of [account, root.arn]) {
      expect(outcome({ policy: [allow({ AWS: name })] })).toBe('denied');
      expect(outcome({ policy: [allow({ AWS: name })], roles: [mayEncrypt] })).toBe('allowed');
    }
  });

  test('identity documents alone open nothing that the key policy does not give to the account', () => {
    expect(outcome({ roles: [mayEncrypt] })).toBe('denied');
  });

  test('a grant is enough by itself; one to the account needs an identity document', () => {
    expect(outcome({ grants: [{}] })).toBe('allowed');
    expect(outcome({ grants: [{ grantee: root.arn }] })).toBe('denied');
    expect(outcome({ grants: [{ grantee: root.arn }], roles: [mayEncrypt] })).toBe('allowed');
  });

  test('an explicit deny wins over everything, wherever it stands', () => {
    const everything = { policy: [allow('*')], roles: [mayEncrypt], grants: [{}] };

    expect(outcome(everything)).toBe('allowed');
    expect(outcome({ ...everything, policy: [allow('*'), deny({ AWS: user.arn })] })).toBe('explicitly-denied');
    expect(outcome({ ...everything, policy: [deny({ AWS: account }), allow('*')] })).toBe('explicitly-denied');
    expect(outcome({ ...everything, roles: [mayEncrypt, role({ Effect: 'Deny', Action: 'kms:*', Resource: keyArn })] })).toBe('explicitly-denied');
  });
});

describe('from another account', () => {
  test('both sides must say yes', () => {
    const open = [allow({ AWS: stranger.account })];

    expect(outcome({ principal: stranger, policy: open })).toBe('denied');
    expect(outcome({ principal: stranger, roles: [mayEncrypt] })).toBe('denied');
    expect(outcome({ principal: stranger, policy: open, roles: [mayEncrypt] })).toBe('allowed');
  });

  test('naming the principal itself does not replace its own account’s permission; its root has that', () => {
    expect(outcome({ principal: stranger, policy: [allow({ AWS: stranger.arn })] })).toBe('denied');
    expect(outcome({ principal: { ...stranger, arn: 'arn:aws:iam::999988887777:root' }, policy: [allow({ AWS: stranger.account })] })).toBe('allowed');
  });

  test('a grant is the key’s side', () => {
    expect(outcome({ principal: stranger, grants: [{}] })).toBe('denied');
    expect(outcome({ principal: stranger, grants: [{}], roles: [mayEncrypt] })).toBe('allowed');
  });
});

describe('NotPrincipal, NotAction and NotResource', () => {
  test('NotPrincipal with Deny excepts only whom it names: the account in the list does not except its users', () => {
    const policy = (...names: string[]) => [allow('*'), { ...deny(undefined), Principal: undefined, NotPrincipal: { AWS: names } }];

    expect(outcome({ policy: policy(user.arn, root.arn) })).toBe('allowed');
    expect(outcome({ principal: session, policy: policy(user.arn, root.arn) })).toBe('explicitly-denied');
    expect(outcome({ principal: root, policy: policy(user.arn, root.arn) })).toBe('allowed');
  });

  test('NotPrincipal with Allow keeps a whole account out', () => {
    const policy = [{ ...allow(undefined), Principal: undefined, NotPrincipal: { AWS: account } }];

    expect(outcome({ policy })).toBe('denied');
    expect(outcome({ principal: stranger, policy, roles: [mayEncrypt] })).toBe('allowed');
  });

  test('NotAction means every other action; actions are compared without case and with wildcards', () => {
    const policy = [allow('*', { Action: undefined, NotAction: ['KMS:decr?pt', 'kms:Re*'] })];

    expect(outcome({ policy })).toBe('allowed');
    expect(outcome({ policy, action: 'kms:Decrypt' })).toBe('denied');
    expect(outcome({ policy, action: 'kms:ReEncryptTo' })).toBe('denied');
  });

  test('identity documents name resources by pattern, and NotResource means every other one', () => {
    const open = [allow({ AWS: account })];
    const on = (Resource: string) => role({ Effect: 'Allow', Action: 'kms:*', Resource });

    expect(outcome({ policy: open, roles: [on(`arn:aws:kms:*:${account}:key/*`)] })).toBe('allowed');
    expect(outcome({ policy: open, roles: [on(`arn:aws:kms:us-*:${account}:key/*`)] })).toBe('denied');
    expect(outcome({ policy: open, roles: [role({ Effect: 'Allow', Action: '*', NotResource: keyArn })] })).toBe('denied');
  });

  test('a NotResource whose variable has no value never widens access', () => {
    const NotResource = `arn:aws:kms:*:*:key/\${aws:PrincipalTag/none}`;

    expect(outcome({ policy: [allow({ AWS: account })], roles: [role({ Effect: 'Allow', Action: '*', NotResource })] })).toBe('denied');
    expect(outcome({ policy: [allow('*')], roles: [role({ Effect: 'Deny', Action: '*', NotResource })] })).toBe('explicitly-denied');
  });
});

describe('grants', () => {
  const subset = { constraints: { EncryptionContextSubset: { Dept: 'it' } } };
  const equals = { constraints: { EncryptionContextEquals: { Dept: 'it' } } };

  test.each([
    ['Subset, all there', subset, { Dept: 'it', more: 'x' }, 'allowed'],
    ['Subset, in another case of the key', subset, { dept: 'it' }, 'allowed'],
    ['Subset, in another case of the value', subset, { Dept: 'IT' }, 'denied'],
    ['Subset, missing', subset, {}, 'denied'],
    ['Equals, the same', equals, { Dept: 'it' }, 'allowed'],
    ['Equals, and more', equals, { Dept: 'it', more: 'x' }, 'denied'],
    ['keys that differ in case only', subset, { Dept: 'it', dept: 'hr' }, 'denied'],
  ])('the constraint EncryptionContext%s: %s', (_, grant, context, expected) => {
    expect(outcome({ grants: [grant], context: context as Record<string, string> })).toBe(expected);
  });

  test('allow the operations they list and no other', () => {
    expect(outcome({ grants: [{}], action: 'kms:Decrypt' })).toBe('denied');
  });

  test('with SourceArn work for that resource only', () => {
    const grants = [{ constraints: { SourceArn: 'arn:aws:s3:::bucket' } }];

    expect(outcome({ grants })).toBe('denied');
    expect(outcome({ grants, facts: { 'aws:sourcearn': 'arn:aws:s3:::bucket' } })).toBe('allowed');
    expect(outcome({ grants, facts: { 'aws:sourcearn': 'arn:aws:s3:::other' } })).toBe('denied');
  });
});

describe('what decided is named', () => {
  test('by Sid, or by its place', () => {
    expect(decide({ policy: [allow('*', { Action: 'kms:Nothing' }), allow('*', { Sid: 'Open' })] }).grounds).toEqual([{ source: 'key-policy', statement: 'Open' }]);
    expect(decide({ policy: [allow('*'), deny('*')] }).grounds).toEqual([{ source: 'key-policy', statement: '2' }]);
    expect(decide({ policy: [allow({ AWS: account })], roles: [mayEncrypt] }).grounds).toEqual([
      { source: 'key-policy', statement: '1' },
      { source: 'role', role: 'test', statement: '1' },
    ]);
  });
});

describe('the built-in roles', () => {
  const may = (name: keyof typeof builtInRoles, action: string): boolean =>
    decideByIdentity([{ role: name, policy: compilePolicy(builtInRoles[name].document, 'identity') }], { principal: user, action, resource: '*', facts: new Map() }).outcome ===
    'allowed';

  test.each([
    ['administrator', ['kms:Decrypt', 'kms:PutKeyPolicy', 'chatelaine:CreateBinding'], []],
    [
      'user',
      ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKeyPair', 'kms:Sign', 'kms:DescribeKey'],
      ['kms:CreateKey', 'kms:PutKeyPolicy', 'kms:CreateGrant', 'chatelaine:ListRoles'],
    ],
    [
      'auditor',
      ['kms:GetKeyPolicy', 'kms:ListGrants', 'chatelaine:Simulate', 'chatelaine:ListBindings'],
      ['kms:Encrypt', 'kms:Decrypt', 'kms:DisableKey', 'chatelaine:CreateRole'],
    ],
    [
      'custodian',
      ['kms:CreateKey', 'kms:RotateKeyOnDemand', 'kms:ScheduleKeyDeletion'],
      ['kms:Decrypt', 'kms:Sign', 'kms:PutKeyPolicy', 'kms:CreateGrant', 'kms:ReplicateKey', 'chatelaine:CreateBinding'],
    ],
  ] as const)('%s may what its name says', (name, yes, no) => {
    expect(yes.filter((action) => !may(name, action))).toEqual([]);
    expect(no.filter((action) => may(name, action))).toEqual([]);
  });
});

describe('principals in policies', () => {
  test.each(['arn:aws:iam::111122223333:user/*', 'arn:aws:iam::*:root', 'ann', '11112222333', `arn:aws:s3:::bucket`, 'arn:aws:iam::111122223333:user/a?'])(
    '%s is refused when the policy is put: a wildcard for a part of a name would match nobody',
    (name) => {
      expect(() => compilePolicy(document(allow({ AWS: name })), 'key')).toThrow(expect.objectContaining({ code: 'MalformedPolicyDocumentException' }));
    },
  );

  test('roles are compared without their path', () => {
    expect(canonicalPrincipal('arn:aws:iam::111122223333:role/a/b/Name')).toBe('arn:aws:iam::111122223333:role/Name');
    expect(canonicalPrincipal('arn:aws:iam::111122223333:user/a/b/name')).toBe('arn:aws:iam::111122223333:user/a/b/name');
  });
});
