/** `metrics-token` in the data directory: what GET /metrics asks for. The file is for its owner only, so no other user of the machine reads the numbers. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { writeFileDurably } from '../write-file-durably.ts';

/** @returns whether an Authorization header carries the token */
export type CheckToken = (authorization: string | undefined) => boolean;

/** Makes the file when it is missing: removing it and starting again changes the token. @throws Error when the file holds no token */
export function openMetricsToken(path: string): CheckToken {
  if (!existsSync(path)) writeFileDurably(path, `${randomBytes(32).toString('base64url')}\n`, 0o600);
  chmodSync(path, 0o600);
  const token = readFileSync(path, 'utf8').trim();
  if (!/^[\x21-\x7e]{32,256}$/.test(token)) throw new Error(`${path} does not hold a token of 32 to 256 characters. Remove the file to have a new one made.`);
  const wanted = hash('sha256', token, 'buffer');
  return (authorization = '') => {
    const [, given] = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(authorization) ?? [];
    return given !== undefined && timingSafeEqual(hash('sha256', given, 'buffer'), wanted);
  };
}
