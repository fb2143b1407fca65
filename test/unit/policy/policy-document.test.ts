import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KmsError } from '#shared/errors.ts';
import { defaultKeyPolicy } from '#shared/policy/default-policy.ts';
import { parsePolicy, policyBytesMax } from '#shared/policy/policy-document.ts';

const statement = { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' };
const text = (change: object): string => JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, ...change }] });

describe('key policies', () => {
  test('the default policy is a good one', () => {
    expect(parsePolicy(defaultKeyPolicy('aws', '111122223333')).Statement).toHaveLength(1);
  });

  test.each([
    ['one statement without a list', JSON.stringify({ Statement: statement })],
    ['principals by kind', text({ Principal: { AWS: ['arn:aws:iam::111122223333:root', '111122223333'], Service: 's3.amazonaws.com' } })],
    ['NotPrincipal', text({ Principal: undefined, NotPrincipal: { AWS: '*' } })],
    ['NotAction', text({ Action: undefined, NotAction: ['kms:Decrypt'] })],
    ['a list of actions', text({ Action: ['kms:Enc*', 'kms:Describe?ey'] })],
    ['a condition', text({ Condition: { StringEquals: { 'kms:ViaService': ['s3.us-east-1.amazonaws.com'] }, Bool: { 'aws:SecureTransport': true } } })],
    ['an id and a statement id', JSON.stringify({ Id: 'x', Statement: [{ ...statement, Sid: 'y' }] })],
  ])('%s is taken', (_, policy) => {
    expect(() => parsePolicy(policy)).not.toThrow();
  });

  test.each([
    ['no JSON', 'nothing'],
    ['an array', '[]'],
    ['null', 'null'],
    ['no statement', '{}'],
    ['an empty list of statements', '{"Statement":[]}'],
    ['an unknown member', text({ Allow: true })],
    ['an unknown version', JSON.stringify({ Version: '2020-01-01', Statement: statement })],
    ['an effect of another case', text({ Effect: 'allow' })],
    ['no effect', text({ Effect: undefined })],
    ['no principal', text({ Principal: undefined })],
    ['both principals', text({ NotPrincipal: '*' })],
    ['an empty principal', text({ Principal: {} })],
    ['an unknown kind of principal', text({ Principal: { GCP: 'x' } })],
    ['no action', text({ Action: undefined })],
    ['both actions', text({ NotAction: 'kms:*' })],
    ['an action without a service', text({ Action: 'Encrypt' })],
    ['an empty list of actions', text({ Action: [] })],
    ['no resource', text({ Resource: undefined })],
    ['a condition that is no map', text({ Condition: 'x' })],
    ['a member called __proto__', `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","__proto__":{"a":1}}]}`],
    ['a condition that is said twice', `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"Bool":{"a:b":true}},"Condition":{}}]}`],
    ['an operator that is said twice, once with an escape', text({ Condition: { Bool: { a: 'true' }, X: {} } }).replace('"X":{}', '"B\\u006fol":{"b":"true"}')],
  ])('%s is malformed', (_, policy) => {
    expect(() => parsePolicy(policy)).toThrow(expect.objectContaining({ code: 'MalformedPolicyDocumentException' }));
  });

  test('32 KB is the limit, in bytes', () => {
    const padded = (bytes: number): string => {
      const empty = text({ Sid: '' });
      return text({ Sid: 'x'.repeat(bytes - empty.length) });
    };

    expect(() => parsePolicy(padded(policyBytesMax))).not.toThrow();
    expect(() => parsePolicy(padded(policyBytesMax + 1))).toThrow(expect.objectContaining({ code: 'LimitExceededException' }));
  });

  test('whatever the text, it is a policy or a KmsError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.jsonValue().map((value) => JSON.stringify({ Statement: [value] })),
        ),
        (policy) => {
          try {
            parsePolicy(policy);
          } catch (error) {
            expect(error).toBeInstanceOf(KmsError);
          }
        },
      ),
    );
  });
});
