import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KmsError } from '#shared/errors.ts';
import { keyArn, parseKeyIdentifier } from '#shared/keys/arn.ts';

const home = { account: '111122223333', region: 'eu-west-1' };
const keyId = '0f0e0d0c-0b0a-4908-8706-050403020100';

describe('key identifiers', () => {
  test.each([
    [keyId, { ...home, kind: 'key', keyId }],
    ['mrk-00112233445566778899aabbccddeeff', { ...home, kind: 'key', keyId: 'mrk-00112233445566778899aabbccddeeff' }],
    ['alias/a/b_c-D9', { ...home, kind: 'alias', aliasName: 'alias/a/b_c-D9' }],
    [`arn:aws:kms:eu-west-1:999988887777:key/${keyId}`, { account: '999988887777', region: 'eu-west-1', kind: 'key', keyId }],
    ['arn:aws:kms:eu-west-1:111122223333:alias/x', { ...home, kind: 'alias', aliasName: 'alias/x' }],
  ])('%s is read', (text, expected) => {
    expect(parseKeyIdentifier(text, home, 'aws')).toEqual(expected);
  });

  test.each([
    [keyId.toUpperCase(), 'NotFoundException'],
    [keyId.replaceAll('-', ''), 'NotFoundException'],
    [`${keyId} `, 'NotFoundException'],
    [`${keyId}\n`, 'NotFoundException'],
    ['mrk-xyz', 'NotFoundException'],
    ['alias/', 'NotFoundException'],
    ['alias/a b', 'NotFoundException'],
    [`alias/${'a'.repeat(251)}`, 'NotFoundException'],
    ['Alias/a', 'NotFoundException'],
    ['../META', 'NotFoundException'],
    ['a#b', 'NotFoundException'],
    ['arn:', 'InvalidArnException'],
    [`arn:aws:kms:eu-west-1:1:key/${keyId}`, 'InvalidArnException'],
    [`arn:aws:kms::111122223333:key/${keyId}`, 'InvalidArnException'],
    [`arn:aws:s3:eu-west-1:111122223333:key/${keyId}`, 'InvalidArnException'],
    [`arn:aws:kms:us-east-1:111122223333:key/${keyId}`, 'NotFoundException'],
    ['arn:aws:kms:eu-west-1:111122223333:key/nothing', 'NotFoundException'],
    ['arn:aws:kms:eu-west-1:111122223333:alias/a b', 'NotFoundException'],
  ])('%s is refused: %s', (text, code) => {
    expect(() => parseKeyIdentifier(text, home, 'aws')).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    [`arn:aws-cn:kms:eu-west-1:111122223333:key/${keyId}`, 'Invalid arn aws-cn'],
    ['arn:aws-us-gov:kms:eu-west-1:111122223333:alias/x', 'Invalid arn aws-us-gov'],
    // A Region is of one partition, so that AWS says which Region first.
    [`arn:aws-cn:kms:cn-north-1:111122223333:key/${keyId}`, 'Invalid arn cn-north-1'],
  ])('of another partition nothing is here: %s', (text, message) => {
    expect(() => parseKeyIdentifier(text, home, 'aws')).toThrow(expect.objectContaining({ code: 'NotFoundException', message }));
  });

  test('a service in another partition reads the ARNs of its own, and those of the commercial one no more', () => {
    const inChina = { account: '111122223333', region: 'cn-north-1' };

    expect(parseKeyIdentifier(`arn:aws-cn:kms:cn-north-1:111122223333:key/${keyId}`, inChina, 'aws-cn')).toEqual({ ...inChina, kind: 'key', keyId });
    expect(() => parseKeyIdentifier(`arn:aws:kms:cn-north-1:111122223333:key/${keyId}`, inChina, 'aws-cn')).toThrow('Invalid arn aws');
  });

  test('an ARN that was written is read as what it was written from', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.stringMatching(/^[0-9]{12}$/), (id, account) => {
        const key = { ...home, account, keyId: id };

        expect(parseKeyIdentifier(keyArn('aws', key), home, 'aws')).toEqual({ ...key, kind: 'key' });
      }),
    );
  });

  test('whatever the text, what is read holds no separator of the rows', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((rest) => `alias/${rest}`),
          fc.string().map((rest) => `arn:aws:kms:eu-west-1:111122223333:key/${rest}`),
        ),
        (text) => {
          try {
            const identifier = parseKeyIdentifier(text, home, 'aws');
            expect(identifier.kind === 'key' ? identifier.keyId : identifier.aliasName).toMatch(/^[a-zA-Z0-9:/_-]{7,256}$/);
          } catch (error) {
            expect(error).toBeInstanceOf(KmsError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
