/** Grant tokens: the name of a grant, some random bytes, and the HSM's seal over both. Opaque to callers. */
import { createHash } from 'node:crypto';
import { KmsError } from '#shared/errors.ts';

export interface GrantName {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  readonly grantId: string;
}

export const invalidToken = (): KmsError => new KmsError('InvalidGrantTokenException', 'The grant token is not valid.');

/** The prefix keeps the seals of tokens apart from those of rows. */
export const tokenDigest = (payload: Uint8Array): string => createHash('sha256').update('chatelaine-grant-token-1\n').update(payload).digest('base64');

const payloadPattern = /^[A-Za-z0-9_-]{1,2048}$/;

/** The grant that a token says it is for. Believe it only after checkTokens. @throws KmsError InvalidGrantTokenException */
export function readToken(token: string): { readonly grant: GrantName; readonly digest: string; readonly seal: string; readonly name: string } {
  const [payloadText = '', sealText = '', ...rest] = token.split('.');
  if (rest.length > 0 || !payloadPattern.test(payloadText) || !/^[A-Za-z0-9_-]{43}$/.test(sealText)) throw invalidToken();
  const payload = Buffer.from(payloadText, 'base64url');
  const seal = Buffer.from(sealText, 'base64url').toString('base64');
  let parts: unknown;
  try {
    parts = JSON.parse(payload.toString('utf8'));
  } catch {
    throw invalidToken();
  }
  if (!Array.isArray(parts) || parts.length !== 6 || parts[0] !== 1 || !parts.slice(1).every((part) => typeof part === 'string')) throw invalidToken();
  const [, account, region, keyId, grantId] = parts as [number, string, string, string, string];
  const digest = tokenDigest(payload);
  return { grant: { account, region, keyId, grantId }, digest, seal, name: `${digest}${seal}` };
}
