import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPrincipalsFile, readPrincipals } from '#server/identity/principals-file.ts';

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 's3cret', account: '111122223333', principalArn: 'arn:aws:iam::111122223333:user/alice' };

describe('forms of principals.json', () => {
  test.each([
    ['canonical', { principals: [alice] }],
    ['a bare list', [alice]],
    ['keyed by access key id', { AKIAALICE: { secretAccessKey: 's3cret', account: '111122223333', principalArn: alice.principalArn } }],
    ['keyed below principals', { principals: { AKIAALICE: { secret: 's3cret', arn: alice.principalArn } } }],
    ['snake case', [{ access_key_id: 'AKIAALICE', secret_access_key: 's3cret', account_id: '111122223333', principal_arn: alice.principalArn }]],
    ['kebab case', [{ 'access-key-id': 'AKIAALICE', 'secret-access-key': 's3cret', account: '111122223333', 'principal-arn': alice.principalArn }]],
    ['pascal case', { Principals: [{ AccessKeyId: 'AKIAALICE', SecretAccessKey: 's3cret', AccountId: '111122223333', PrincipalArn: alice.principalArn }] }],
    ['short names', [{ accessKey: 'AKIAALICE', secretKey: 's3cret', account: 111122223333, arn: alice.principalArn, token: null }]],
    ['one entry', alice],
  ])('%s is read', (_name, content) => {
    const found = readPrincipals(content).get('AKIAALICE');
    expect(found).toMatchObject({ ...alice, sessionToken: undefined });
  });

  test('a missing unique id depends on the ARN only and tells users from roles', () => {
    const read = (arn: string) => readPrincipals([{ ...alice, principalArn: arn }]).get('AKIAALICE')!.principalId;
    expect(read('arn:aws:iam::111122223333:user/alice')).toMatch(/^AIDA[0-9A-F]{17}$/);
    expect(read('arn:aws:iam::111122223333:user/alice')).toBe(read('arn:aws:iam::111122223333:user/alice'));
    expect(read('arn:aws:iam::111122223333:user/bob')).not.toBe(read('arn:aws:iam::111122223333:user/alice'));
    expect(read('arn:aws:iam::111122223333:role/deploy')).toMatch(/^AROA[0-9A-F]{17}$/);
    expect(read('arn:aws:sts::111122223333:assumed-role/deploy/run-7')).toMatch(/^AROA[0-9A-F]{17}:run-7$/);
  });

  test.each([
    ['a string', 'x'],
    ['an entry that is no object', ['x']],
    ['no secret', [{ ...alice, secretAccessKey: undefined }]],
    ['tags that are a list', [{ ...alice, tags: [] }]],
    ['a tag that is no text', [{ ...alice, tags: { Level: 5 } }]],
    ['tags that differ in case only', [{ ...alice, tags: { Team: 'a', team: 'b' } }]],
    ['no account', [{ accessKeyId: 'A', secretAccessKey: 'b' }]],
    ['a short account', [{ ...alice, account: '123' }]],
    ['an account that is not the ARN\u2019s', [{ ...alice, account: '999999999999' }]],
    ['an ARN that is none', [{ ...alice, principalArn: 'alice' }]],
    ['a repeated access key', [alice, alice]],
  ])('%s is refused without echoing the secret', (_name, content) => {
    expect(() => readPrincipals(content)).toThrow(/^(?!.*s3cret)/);
  });
});

describe('principals.json on disk', () => {
  let folder: string;
  let path: string;
  let problems: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chatelaine-principals-'));
    path = join(folder, 'principals.json');
    problems = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const open = () => openPrincipalsFile(path, (problem) => problems.push(problem));

  test('a missing file means nobody', () => {
    expect(open().find('AKIAALICE')).toBeUndefined();
    expect(problems).toEqual([]);
  });

  test('a change counts at once: added, replaced by rename, rewritten at the same size, removed', () => {
    const file = open();
    writeFileSync(path, JSON.stringify([alice]));
    expect(file.find('AKIAALICE')?.secretAccessKey).toBe('s3cret');
    writeFileSync(path, JSON.stringify([{ ...alice, secretAccessKey: 'S3CRET' }]));
    expect(file.find('AKIAALICE')?.secretAccessKey).toBe('S3CRET');
    writeFileSync(`${path}.new`, JSON.stringify([{ ...alice, accessKeyId: 'AKIAOTHER' }]));
    renameSync(`${path}.new`, path);
    expect(file.find('AKIAALICE')).toBeUndefined();
    expect(file.find('AKIAOTHER')).toBeDefined();
    rmSync(path);
    expect(file.find('AKIAOTHER')).toBeUndefined();
  });

  test('a broken file keeps the last good content, is reported without its text, and recovers', () => {
    writeFileSync(path, JSON.stringify([alice]));
    const file = open();
    writeFileSync(path, `[${JSON.stringify(alice)}, {"secret": "s3cret"`);
    expect(file.find('AKIAALICE')).toBeDefined();
    expect(problems.join()).toMatch(/is not JSON/);
    expect(problems.join()).not.toContain('s3cret');
    writeFileSync(path, '[]');
    expect(file.find('AKIAALICE')).toBeUndefined();
  });
});
