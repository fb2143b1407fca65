/** `credentials` in the data directory, in the form of AWS_SHARED_CREDENTIALS_FILE. Profile `default` is the administrator of account 000000000000. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFileDurably } from '../write-file-durably.ts';
import { derivePrincipalId, type Principal } from './principal.ts';

export const administratorAccount = '000000000000';
const administratorArn = `arn:aws:iam::${administratorAccount}:user/administrator`;

/** Makes the file at the first start. @throws Error when the file is there and has no usable profile `default` */
export function openCredentialsFile(path: string): Principal {
  if (!existsSync(path)) writeFileDurably(path, newCredentials(), 0o600);
  const profile = readProfile(readFileSync(path, 'utf8'), 'default');
  const accessKeyId = profile.get('aws_access_key_id');
  const secretAccessKey = profile.get('aws_secret_access_key');
  if (!accessKeyId || !secretAccessKey)
    throw new Error(`${path} has no profile [default] with aws_access_key_id and aws_secret_access_key. Remove the file to have a new one made.`);
  return { accessKeyId, secretAccessKey, account: administratorAccount, principalArn: administratorArn, principalId: derivePrincipalId(administratorArn) };
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function newCredentials(): string {
  const accessKeyId = `AKIA${[...randomBytes(16)].map((byte) => base32[byte % 32]).join('')}`;
  return `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${randomBytes(30).toString('base64')}\n`;
}

function readProfile(text: string, wanted: string): Map<string, string> {
  const values = new Map<string, string>();
  let profile = '';
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line);
    if (heading !== null) profile = heading[1]!;
    const setting = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (setting !== null && profile === wanted) values.set(setting[1]!.toLowerCase(), setting[2]!);
  }
  return values;
}
