import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsJsonRequest, type Members, startInProcess } from '#test/support/in-process.ts';
import { base64, createSampleKeys, type SampleKeys } from '#test/support/sample-requests.ts';

const oneError = (text: string): string => `1 validation error detected: ${text}`;
const noKey = 'aaaaaaaa-0000-0000-0000-000000000000';

interface Refusal {
  readonly operation: string;
  readonly members: Members;
  readonly code: string;
  readonly message?: string;
}

const V = 'ValidationException';
const S = 'SerializationException';

/** What AWS was seen to answer. */
const refusals: readonly Refusal[] = [
  {
    operation: 'GenerateRandom',
    members: { NumberOfBytes: 0 },
    code: V,
    message: oneError("Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"),
  },
  {
    operation: 'GenerateRandom',
    members: { NumberOfBytes: 1025 },
    code: V,
    message: oneError("Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024"),
  },
  { operation: 'GenerateRandom', members: {}, code: V, message: 'NumberOfBytes is required.' },
  {
    operation: 'Encrypt',
    members: { KeyId: noKey, Plaintext: base64('x'.repeat(4097)) },
    code: V,
    message: oneError("Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"),
  },
  {
    operation: 'Encrypt',
    members: { KeyId: noKey, Plaintext: '' },
    code: V,
    message: oneError("Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1"),
  },
  { operation: 'Encrypt', members: { Plaintext: base64('x') }, code: V, message: oneError("Value null at 'keyId' failed to satisfy constraint: Member must not be null") },
  {
    operation: 'Encrypt',
    members: { KeyId: null, Plaintext: base64('x') },
    code: V,
    message: oneError("Value null at 'keyId' failed to satisfy constraint: Member must not be null"),
  },
  {
    operation: 'Encrypt',
    members: {},
    code: V,
    message:
      "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value null at 'plaintext' failed to satisfy constraint: Member must not be null",
  },
  { operation: 'PutKeyPolicy', members: { KeyId: noKey }, code: V, message: oneError("Value null at 'policy' failed to satisfy constraint: Member must not be null") },
  {
    operation: 'TagResource',
    members: { KeyId: noKey, Tags: [{ TagKey: '', TagValue: 'v' }] },
    code: V,
    message: oneError("Value '' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1"),
  },
  {
    operation: 'TagResource',
    members: { KeyId: noKey, Tags: [{ TagKey: 'k' }] },
    code: V,
    message: oneError("Value null at 'tags.1.member.tagValue' failed to satisfy constraint: Member must not be null"),
  },
  {
    operation: 'GenerateMac',
    members: { KeyId: noKey, Message: base64('x'), MacAlgorithm: 'HMAC_MD5' },
    code: V,
    message: oneError(
      "Value 'HMAC_MD5' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [HMAC_SHA_224, HMAC_SHA_256, HMAC_SHA_384, HMAC_SHA_512]",
    ),
  },
  {
    operation: 'CreateAlias',
    members: { AliasName: 'alias/a b', TargetKeyId: noKey },
    code: V,
    message: oneError("Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"),
  },
  {
    operation: 'CreateAlias',
    members: { AliasName: 'my-key', TargetKeyId: noKey },
    code: V,
    message: 'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
  },
  { operation: 'CreateAlias', members: { AliasName: 'alias/a', TargetKeyId: 'alias/b' }, code: V, message: 'Aliases must refer to keys. Not aliases' },
  { operation: 'CreateAlias', members: { AliasName: 'alias/aws/s3', TargetKeyId: noKey }, code: 'NotAuthorizedException' },
  { operation: 'ListKeys', members: { Limit: 1001 }, code: V },
  { operation: 'ListAliases', members: { Limit: 101 }, code: V },
  { operation: 'ListKeys', members: { Marker: 'no marker' }, code: 'InvalidMarkerException' },
  { operation: 'ListKeys', members: { Marker: Buffer.from('["ListKeys","-1000000000|"]').toString('base64url') }, code: 'InvalidMarkerException' },
  { operation: 'ListKeys', members: { Marker: Buffer.from('["ListKeys","0|\\ud800"]').toString('base64url') }, code: 'InvalidMarkerException' },
  { operation: 'ListAliases', members: { Marker: Buffer.from('["ListKeys","0|"]').toString('base64url') }, code: 'InvalidMarkerException' },
  { operation: 'ScheduleKeyDeletion', members: { KeyId: noKey, PendingWindowInDays: 6 }, code: V },
  { operation: 'ScheduleKeyDeletion', members: { KeyId: noKey, PendingWindowInDays: 31 }, code: V },
  { operation: 'EnableKeyRotation', members: { KeyId: noKey, RotationPeriodInDays: 89 }, code: V },
  // Identifiers.
  { operation: 'DescribeKey', members: { KeyId: noKey }, code: 'NotFoundException', message: `Key 'arn:aws:kms:eu-west-1:111122223333:key/${noKey}' does not exist` },
  { operation: 'DescribeKey', members: { KeyId: 'fake-key-id' }, code: 'NotFoundException', message: "Invalid keyId 'fake-key-id'" },
  { operation: 'DescribeKey', members: { KeyId: noKey.replaceAll('-', '') }, code: 'NotFoundException', message: `Invalid keyId '${noKey.replaceAll('-', '')}'` },
  { operation: 'DescribeKey', members: { KeyId: `arn:aws:kms:us-east-1:111122223333:key/${noKey}` }, code: 'NotFoundException', message: 'Invalid arn us-east-1' },
  { operation: 'DescribeKey', members: { KeyId: `arn:aws-cn:kms:eu-west-1:111122223333:key/${noKey}` }, code: 'NotFoundException', message: 'Invalid arn aws-cn' },
  { operation: 'DescribeKey', members: { KeyId: 'arn:aws-us-gov:kms:eu-west-1:111122223333:alias/a' }, code: 'NotFoundException', message: 'Invalid arn aws-us-gov' },
  { operation: 'DescribeKey', members: { KeyId: 'alias/nothing' }, code: 'NotFoundException', message: 'Alias arn:aws:kms:eu-west-1:111122223333:alias/nothing is not found.' },
  { operation: 'DescribeKey', members: { KeyId: 'arn:aws:s3:::bucket' }, code: 'InvalidArnException' },
  { operation: 'DescribeKey', members: { KeyId: 'alias/\u00e9' }, code: 'NotFoundException' },
  { operation: 'DescribeKey', members: { KeyId: `alias/${'a'.repeat(2042)}` }, code: 'NotFoundException' },
  { operation: 'EnableKey', members: { KeyId: 'alias/nothing' }, code: 'NotFoundException', message: "Invalid keyId 'alias/nothing'" },
  { operation: 'GetKeyPolicy', members: { KeyId: noKey, PolicyName: 'a b' }, code: V },
  // Wrong types: AWS cannot read the document.
  { operation: 'Encrypt', members: { KeyId: 7, Plaintext: base64('x') }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: 'not base64!' }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: 'YQ' }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: { a: 1 } }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: base64('x'), EncryptionContext: [] }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: base64('x'), EncryptionContext: { a: 1 } }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: base64('x'), EncryptionContext: { a: '\ud800' } }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: base64('x'), EncryptionContext: { '\udfff': 'a' } }, code: S },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: base64('x'), EncryptionContext: JSON.parse('{"__proto__":"a"}') }, code: S },
  { operation: 'GenerateRandom', members: { NumberOfBytes: '16' }, code: S },
  { operation: 'GenerateRandom', members: { NumberOfBytes: 1.5 }, code: S },
  { operation: 'GenerateRandom', members: { NumberOfBytes: true }, code: S },
  { operation: 'GenerateRandom', members: { NumberOfBytes: 1e300 }, code: V },
  { operation: 'TagResource', members: { KeyId: noKey, Tags: { TagKey: 'k', TagValue: 'v' } }, code: S },
  { operation: 'CreateKey', members: { MultiRegion: 'yes' }, code: S },
  // One megabyte.
  { operation: 'Encrypt', members: { KeyId: 'k'.repeat(1_000_000), Plaintext: base64('x') }, code: V },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: base64('x'.repeat(750_000)) }, code: V },
  { operation: 'Decrypt', members: { CiphertextBlob: base64('x'.repeat(750_000)) }, code: V },
  { operation: 'Encrypt', members: { KeyId: noKey, Plaintext: base64('x'), EncryptionContext: { a: 'x'.repeat(1_000_000) } }, code: V },
  { operation: 'CreateKey', members: { Description: 'd'.repeat(1_000_000) }, code: V },
  { operation: 'CreateKey', members: { Policy: 'p'.repeat(1_000_000) }, code: V },
  { operation: 'TagResource', members: { KeyId: noKey, Tags: Array.from({ length: 20_000 }, (_, at) => ({ TagKey: `k${at}`, TagValue: '' })) }, code: V },
];

describe('requests that cannot be right', () => {
  const app = startInProcess();
  let keys: SampleKeys;
  beforeAll(async () => {
    keys = await createSampleKeys(app);
  });
  afterAll(() => app.close());

  test.each(refusals.map((refusal) => [refusal.operation, JSON.stringify(refusal.members).slice(0, 80), refusal] as const))(
    '%s %s is refused in the words of AWS',
    async (_, __, refusal) => {
      const answer = await app.call(refusal.operation, refusal.members);

      expect(answer.code).toBe(refusal.code);
      expect(answer.status).toBe(400);
      expect(answer.body.__type).toBe(refusal.code);
      if (refusal.message !== undefined) expect(answer.message).toBe(refusal.message);
      expect(answer.raw.body.length).toBeLessThan(5000);
    },
  );

  const badBodies: readonly (readonly [string, Buffer])[] = [
    ['half a document', Buffer.from('{"KeyId":')],
    ['an array', Buffer.from('[]')],
    ['null', Buffer.from('null')],
    ['a string', Buffer.from('"KeyId"')],
    ['a number', Buffer.from('1')],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['an overlong encoding', Buffer.from([0x7b, 0xc0, 0xa2, 0x7d])],
    ['a NUL byte', Buffer.from([0])],
    ['NaN', Buffer.from('{"NumberOfBytes":NaN}')],
    ['two documents', Buffer.from('{}{}')],
    ['a hundred thousand open brackets', Buffer.from('['.repeat(100_000))],
    ['a deep document', Buffer.from(`${'{"Recipient":'.repeat(50_000)}1${'}'.repeat(50_000)}`)],
  ];
  test.each(badBodies)('a body that is %s is answered and not thrown, over both protocols', async (_, body) => {
    const answers = [await app.send({ ...awsJsonRequest('GenerateRandom', {}), body }), await app.send({ path: '/v1/random', body })];

    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(['SerializationException', 'ValidationException', 'UnsupportedOperationException']).toContain(answer.code);
    }
  });

  test('an empty body is an empty object', async () => {
    const answer = await app.send({ ...awsJsonRequest('ListKeys', {}), body: new Uint8Array(0) });

    expect(answer.status).toBe(200);
  });

  test.each(['nonsense', 'toString', 'constructor', '__proto__', 'hasOwnProperty'])('the member %s is passed over on the wire protocol and refused on REST', async (name) => {
    const members = JSON.parse(`{"NumberOfBytes":8,"${name}":{"NumberOfBytes":4}}`) as Members;

    const wire = await app.send({ ...awsJsonRequest('GenerateRandom', {}), body: Buffer.from(JSON.stringify({ ...members }).replace('{', `{"${name}":{"NumberOfBytes":4},`)) });
    const rest = await app.send({ path: '/v1/random', body: Buffer.from(`{"NumberOfBytes":8,"${name}":{"NumberOfBytes":4}}`) });

    expect(Buffer.from(String(wire.body.Plaintext), 'base64')).toHaveLength(8);
    expect(rest.code).toBe(V);
    expect(rest.status).toBe(400);
  });

  test('a member that only an object called __proto__ holds is not there', async () => {
    const answer = await app.send({ ...awsJsonRequest('GenerateRandom', {}), body: Buffer.from('{"__proto__":{"NumberOfBytes":4}}') });

    expect(answer.message).toBe('NumberOfBytes is required.');
  });

  test('REST refuses a member that the path and the body give differently, and one that the query gives twice', async () => {
    const different = await app.send({ path: `/v1/keys/${keys.symmetric}/encrypt`, body: Buffer.from(JSON.stringify({ KeyId: keys.otherSymmetric, Plaintext: base64('x') })) });
    const twice = await app.send({ method: 'GET', path: '/v1/keys', query: 'Limit=1&Limit=2' });

    expect(different.code).toBe(V);
    expect(twice.code).toBe(V);
  });

  test('REST takes a list in the query by its repeated name', async () => {
    const grant = { KeyId: keys.symmetric, GranteePrincipal: 'arn:aws:iam::111122223333:user/someone', Operations: ['DescribeKey'] };
    const GrantTokens = [(await app.must('CreateGrant', grant)).GrantToken, (await app.must('CreateGrant', grant)).GrantToken];

    const answer = await app.call('DescribeKey', { KeyId: keys.symmetric, GrantTokens }, { protocol: 'rest' });

    expect(answer.code).toBeUndefined();
  });

  test.each(['%', '%zz', '%ff', '%00', '..', '%2e%2e%2f', '%F0%9F%92%A9'])('the path segment %s is answered and not thrown', async (segment) => {
    const answer = await app.send({ method: 'GET', path: `/v1/keys/${segment}` });

    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  test.each(['', 'Encrypt', 'TrentService.', 'TrentService.Nothing', 'TrentService.toString', 'TrentService.__proto__', 'Other.Encrypt'])(
    'the target "%s" is an unknown operation',
    async (target) => {
      const answer = await app.send({ headers: { 'x-amz-target': target }, body: Buffer.from('{}') });

      expect(answer.code).toBe('UnknownOperationException');
      expect(answer.status).toBe(400);
    },
  );

  test('GET is not the wire protocol', async () => {
    const answer = await app.send({ ...awsJsonRequest('ListKeys', {}), method: 'GET' });

    expect(answer.code).toBe('UnknownOperationException');
  });

  test('on REST the errors are problem documents with the status that a person expects', async () => {
    const answer = await app.call('DescribeKey', { KeyId: noKey }, { protocol: 'rest' });

    expect(answer.status).toBe(404);
    expect(answer.raw.headers['content-type']).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ title: 'NotFoundException', status: 404, code: 'NotFoundException', requestId: answer.raw.headers['x-amzn-requestid'] });
  });
});
