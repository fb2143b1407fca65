/** A service in one partition of AWS: its keys have ARNs of that partition, and an ARN of another names nothing here. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { ann, as, newKey } from '#test/support/people.ts';
import { base64 } from '#test/support/sample-requests.ts';

const Plaintext = base64('x');

describe.each([
  ['aws', 'aws-cn'],
  ['aws-cn', 'aws'],
  ['aws-us-gov', 'aws'],
])('a service in the partition %s', (own, foreign) => {
  let app: InProcess;
  let key: { id: string; arn: string };
  let alias: string;
  beforeEach(async () => {
    app = startInProcess({ partition: own });
    key = await newKey(app);
    await app.must('CreateAlias', { AliasName: 'alias/one', TargetKeyId: key.arn });
    alias = key.arn.replace(/key\/.*/, 'alias/one');
  });
  afterEach(() => app.close());
  const elsewhere = (arn: string): string => arn.replace(`arn:${own}:`, `arn:${foreign}:`);

  test('knows its keys and aliases by its own ARNs', async () => {
    expect(key.arn).toBe(`arn:${own}:kms:eu-west-1:111122223333:key/${key.id}`);
    for (const KeyId of [key.arn, alias]) {
      const { CiphertextBlob } = await app.must('Encrypt', { KeyId, Plaintext });
      expect(await app.must('Decrypt', { KeyId, CiphertextBlob })).toMatchObject({ Plaintext, KeyId: key.arn });
    }
  });

  test(`does not take an ARN of ${foreign} for a key of its own, to use it, to change it, or in an item of a batch`, async () => {
    const { CiphertextBlob } = await app.must('Encrypt', { KeyId: key.id, Plaintext });
    const refused = { code: 'NotFoundException', message: `Invalid arn ${foreign}` };

    expect(await app.call('Encrypt', { KeyId: elsewhere(alias), Plaintext })).toMatchObject(refused);
    expect(await app.call('Decrypt', { KeyId: elsewhere(key.arn), CiphertextBlob })).toMatchObject(refused);
    expect(await app.call('DisableKey', { KeyId: elsewhere(key.arn) })).toMatchObject(refused);
    expect(await app.call('UpdateAlias', { AliasName: 'alias/one', TargetKeyId: elsewhere(key.arn) })).toMatchObject(refused);
    const { Results } = (await app.must('EncryptBatch', {
      Items: [
        { KeyId: elsewhere(key.arn), Plaintext },
        { KeyId: key.arn, Plaintext },
      ],
    })) as { Results: Members[] };
    expect(Results[0]).toMatchObject({ Error: { Code: refused.code, Message: refused.message } });
    expect(Results[1]).toMatchObject({ Output: { KeyId: key.arn } });
    expect((await app.must('DescribeKey', { KeyId: key.id })).KeyMetadata).toMatchObject({ KeyState: 'Enabled' });
  });

  test('a grant ends by its token, which knows of no partition', async () => {
    const { GrantToken } = await app.must('CreateGrant', { KeyId: key.arn, GranteePrincipal: ann.principalArn, RetiringPrincipal: ann.principalArn, Operations: ['Encrypt'] });

    expect((await as(app, ann)('RetireGrant', { GrantToken })).code).toBeUndefined();
    expect((await app.must('ListGrants', { KeyId: key.id })).Grants).toEqual([]);
  });
});
