import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCredentialsFile } from '#server/identity/credentials-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chatelaine-credentials-'));
  path = join(folder, 'credentials');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the first start makes random credentials that only the owner can read', () => {
  const administrator = openCredentialsFile(path);
  expect(administrator.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
  expect(administrator.secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
  expect(administrator.account).toBe('000000000000');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toMatch(/^\[default\]\naws_access_key_id = AKIA/);
});

test('later starts keep them', () => {
  expect(openCredentialsFile(path)).toEqual(openCredentialsFile(path));
});

test('a file that a person edited is read like the AWS CLI reads it', () => {
  writeFileSync(path, '# mine\n[other]\naws_access_key_id=NO\n\n[ default ]\naws_access_key_id=AKIAMINE\n aws_secret_access_key =  a=b/c \n[last]\naws_secret_access_key=NO\n');
  expect(openCredentialsFile(path)).toMatchObject({ accessKeyId: 'AKIAMINE', secretAccessKey: 'a=b/c' });
});

test('a file without the profile stops the start instead of being overwritten', () => {
  writeFileSync(path, '[other]\naws_access_key_id=A\naws_secret_access_key=B\n');
  expect(() => openCredentialsFile(path)).toThrow(/no profile \[default\]/);
  expect(readFileSync(path, 'utf8')).toContain('[other]');
});
