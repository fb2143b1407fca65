import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '#shared/pipeline/caller.ts';
import { alice, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, give, newKey } from '#test/support/people.ts';
import { base64, createSampleKeys, type SampleKeys } from '#test/support/sample-requests.ts';

interface Case {
  readonly key: string;
  readonly value: string | readonly string[];
  readonly operator?: string;
  readonly operation: string;
  /** Allowed. */
  readonly good: (keys: SampleKeys) => Members;
  /** Refused. */
  readonly bad: (keys: SampleKeys) => Members;
  readonly goodCaller?: Partial<Caller>;
}

const Plaintext = base64('x');
const Message = base64('m');
const encrypt =
  (more: Members = {}) =>
  (keys: SampleKeys): Members => ({ KeyId: keys.symmetric, Plaintext, ...more });
const grant =
  (more: Members = {}) =>
  (keys: SampleKeys): Members => ({ KeyId: keys.symmetric, GranteePrincipal: 'arn:aws:iam::111122223333:user/x', Operations: ['Encrypt'], ...more });
const sign =
  (more: Members = {}) =>
  (keys: SampleKeys): Members => ({ KeyId: keys.signing, Message, SigningAlgorithm: 'ECDSA_SHA_256', ...more });
const schedule =
  (PendingWindowInDays?: number) =>
  (keys: SampleKeys): Members => ({ KeyId: keys.otherSymmetric, PendingWindowInDays });

const cases: readonly Case[] = [
  {
    key: 'kms:EncryptionContext:Dept',
    value: 'it',
    operation: 'Encrypt',
    good: encrypt({ EncryptionContext: { dept: 'it' } }),
    bad: encrypt({ EncryptionContext: { dept: 'hr' } }),
  },
  {
    key: 'kms:EncryptionContextKeys',
    operator: 'ForAllValues:StringEquals',
    value: ['a', 'b'],
    operation: 'Encrypt',
    good: encrypt({ EncryptionContext: { a: '1' } }),
    bad: encrypt({ EncryptionContext: { a: '1', c: '2' } }),
  },
  {
    key: 'kms:EncryptionAlgorithm',
    value: 'SYMMETRIC_DEFAULT',
    operation: 'Encrypt',
    good: encrypt(),
    bad: (keys) => ({ KeyId: keys.rsa, Plaintext, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }),
  },
  { key: 'kms:KeySpec', value: 'SYMMETRIC_DEFAULT', operation: 'DescribeKey', good: (keys) => ({ KeyId: keys.symmetric }), bad: (keys) => ({ KeyId: keys.rsa }) },
  { key: 'kms:KeySpec', value: 'SYMMETRIC_DEFAULT', operation: 'CreateKey', good: () => ({}), bad: () => ({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }) },
  { key: 'kms:KeyUsage', value: 'SIGN_VERIFY', operation: 'DescribeKey', good: (keys) => ({ KeyId: keys.signing }), bad: (keys) => ({ KeyId: keys.rsa }) },
  { key: 'kms:KeyUsage', value: 'ENCRYPT_DECRYPT', operation: 'CreateKey', good: () => ({}), bad: () => ({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }) },
  { key: 'kms:KeyOrigin', value: 'AWS_KMS', operation: 'CreateKey', good: () => ({}), bad: () => ({ Origin: 'EXTERNAL' }) },
  { key: 'kms:MultiRegion', operator: 'Bool', value: 'false', operation: 'CreateKey', good: () => ({}), bad: () => ({ MultiRegion: true }) },
  { key: 'kms:SigningAlgorithm', value: 'ECDSA_SHA_256', operation: 'Sign', good: sign(), bad: (keys) => ({ KeyId: keys.signing, Message, SigningAlgorithm: 'ECDSA_SHA_384' }) },
  { key: 'kms:MessageType', value: 'RAW', operation: 'Sign', good: sign(), bad: sign({ MessageType: 'DIGEST', Message: Buffer.alloc(32).toString('base64') }) },
  {
    key: 'kms:MacAlgorithm',
    value: 'HMAC_SHA_256',
    operation: 'GenerateMac',
    good: (keys) => ({ KeyId: keys.hmac, Message, MacAlgorithm: 'HMAC_SHA_256' }),
    bad: (keys) => ({ KeyId: keys.hmac, Message, MacAlgorithm: 'HMAC_SHA_512' }),
  },
  { key: 'kms:RequestAlias', value: 'alias/sample', operation: 'Encrypt', good: () => ({ KeyId: 'alias/sample', Plaintext }), bad: encrypt() },
  {
    key: 'kms:ResourceAliases',
    operator: 'ForAnyValue:StringLike',
    value: 'alias/sam*',
    operation: 'Encrypt',
    good: encrypt(),
    bad: (keys) => ({ KeyId: keys.otherSymmetric, Plaintext }),
  },
  { key: 'kms:ScheduleKeyDeletionPendingWindowInDays', operator: 'NumericGreaterThanEquals', value: '30', operation: 'ScheduleKeyDeletion', good: schedule(), bad: schedule(7) },
  {
    key: 'kms:BypassPolicyLockoutSafetyCheck',
    operator: 'Bool',
    value: 'false',
    operation: 'CreateKey',
    good: () => ({}),
    bad: () => ({ BypassPolicyLockoutSafetyCheck: true }),
  },
  {
    key: 'kms:GrantOperations',
    operator: 'ForAllValues:StringEquals',
    value: ['Encrypt'],
    operation: 'CreateGrant',
    good: grant(),
    bad: grant({ Operations: ['Encrypt', 'Decrypt'] }),
  },
  {
    key: 'kms:GranteePrincipal',
    value: 'arn:aws:iam::111122223333:user/x',
    operation: 'CreateGrant',
    good: grant(),
    bad: grant({ GranteePrincipal: 'arn:aws:iam::111122223333:user/y' }),
  },
  {
    key: 'kms:RetiringPrincipal',
    value: 'arn:aws:iam::111122223333:user/r',
    operation: 'CreateGrant',
    good: grant({ RetiringPrincipal: 'arn:aws:iam::111122223333:user/r' }),
    bad: grant(),
  },
  {
    key: 'kms:GrantConstraintType',
    value: 'EncryptionContextSubset',
    operation: 'CreateGrant',
    good: grant({ Constraints: { EncryptionContextSubset: { a: 'b' } } }),
    bad: grant({ Constraints: { EncryptionContextEquals: { a: 'b' } } }),
  },
  {
    key: 'kms:GrantIsForAWSResource',
    operator: 'Bool',
    value: 'true',
    operation: 'CreateGrant',
    good: grant(),
    bad: grant(),
    goodCaller: { viaService: 'rds.eu-west-1.amazonaws.com' },
  },
  { key: 'kms:ViaService', value: 's3.eu-west-1.amazonaws.com', operation: 'Encrypt', good: encrypt(), bad: encrypt(), goodCaller: { viaService: 's3.eu-west-1.amazonaws.com' } },
  { key: 'aws:PrincipalOrgID', value: 'o-abc', operation: 'Encrypt', good: encrypt(), bad: encrypt(), goodCaller: { organizationId: 'o-abc' } },
  { key: 'aws:PrincipalTag/Team', value: 'blue', operation: 'Encrypt', good: encrypt(), bad: encrypt(), goodCaller: { principalTags: { team: 'blue' } } },
  { key: 'aws:SourceVpce', value: 'vpce-1', operation: 'Encrypt', good: encrypt(), bad: encrypt(), goodCaller: { sourceVpce: 'vpce-1' } },
  { key: 'aws:SecureTransport', operator: 'Bool', value: 'true', operation: 'Encrypt', good: encrypt(), bad: encrypt(), goodCaller: { secureTransport: true } },
  { key: 'aws:ResourceTag/team', value: 'blue', operation: 'DescribeKey', good: (keys) => ({ KeyId: keys.symmetric }), bad: (keys) => ({ KeyId: keys.rsa }) },
  { key: 'aws:RequestTag/team', value: 'blue', operation: 'TagResource', good: tag('team', 'blue'), bad: tag('team', 'red') },
  { key: 'aws:TagKeys', operator: 'ForAllValues:StringEquals', value: ['team'], operation: 'TagResource', good: tag('team', 'blue'), bad: tag('cost', '1') },
];

function tag(TagKey: string, TagValue: string) {
  return (keys: SampleKeys): Members => ({ KeyId: keys.symmetric, Tags: [{ TagKey, TagValue }] });
}

/** Facts of the caller and the moment, which hold for every request of this test. */
const always: readonly (readonly [string, string, string])[] = [
  ['kms:CallerAccount', 'StringEquals', alice.account],
  ['aws:PrincipalArn', 'ArnEquals', ann.principalArn],
  ['aws:PrincipalAccount', 'StringEquals', alice.account],
  ['aws:PrincipalType', 'StringEquals', 'User'],
  ['aws:userid', 'StringEquals', ann.principalId],
  ['aws:username', 'StringEquals', 'ann'],
  ['aws:SourceIp', 'IpAddress', '192.0.2.0/24'],
  ['aws:CurrentTime', 'DateGreaterThan', '2026-01-01T00:00:00Z'],
  ['aws:EpochTime', 'NumericLessThan', '1800000000'],
  ['aws:RequestedRegion', 'StringEquals', 'eu-west-1'],
  ['aws:ResourceAccount', 'StringEquals', alice.account],
];

describe('condition keys, through the whole pipeline', () => {
  let app: InProcess;
  let keys: SampleKeys;
  beforeAll(async () => {
    app = startInProcess();
    keys = await createSampleKeys(app);
    await app.must('CreateAlias', { AliasName: 'alias/sample', TargetKeyId: keys.symmetric });
    await app.must('TagResource', { KeyId: keys.symmetric, Tags: [{ TagKey: 'team', TagValue: 'blue' }] });
  });
  afterAll(() => app.close());

  const allowOnly = (operation: string, operator: string, key: string, value: unknown) => allowing(`kms:${operation}`, { Condition: { [operator]: { [key]: value } } });

  test.each(cases)('$key decides about $operation', async ({ key, value, operator = 'StringEquals', operation, good, bad, goodCaller }) => {
    const caller = { ...ann, principalArn: `${ann.principalArn}-${Math.random()}` };
    await give(app, caller, allowOnly(operation, operator, key, value));

    const refused = await as(app, caller)(operation, bad(keys));
    const allowed = await as(app, { ...caller, ...goodCaller })(operation, good(keys));

    expect(refused.code, refused.message).toBe('AccessDeniedException');
    expect(allowed.code, allowed.message).toBeUndefined();
  });

  test.each(always)('%s is a fact of every request', async (key, operator, value) => {
    const other = startInProcess();
    const { id } = await newKey(other);
    await give(other, ann, allowOnly('Encrypt', operator, key, value));

    const answer = await as(other, ann)('Encrypt', { KeyId: id, Plaintext });
    other.close();

    expect(answer.code, answer.message).toBeUndefined();
  });

  test('ReEncrypt is decided for each side with its own context', async () => {
    const CiphertextBlob = (await app.must('Encrypt', { KeyId: keys.symmetric, Plaintext, EncryptionContext: { side: 'from' } })).CiphertextBlob;
    const side = (action: string, value: string) => ({ Effect: 'Allow', Action: action, Resource: '*', Condition: { StringEquals: { 'kms:EncryptionContext:side': value } } });
    const destination = await newKey(app);
    await give(app, ann, JSON.stringify({ Version: '2012-10-17', Statement: [side('kms:ReEncryptFrom', 'from'), side('kms:ReEncryptTo', 'to')] }));
    const move = (to: string) =>
      as(app, ann)('ReEncrypt', {
        CiphertextBlob,
        SourceEncryptionContext: { side: 'from' },
        DestinationKeyId: destination.id,
        DestinationEncryptionContext: { side: to },
      });

    expect((await move('from')).code).toBe('AccessDeniedException');
    expect((await move('to')).code).toBeUndefined();
  });
});
