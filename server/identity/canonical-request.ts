/**
 * The canonical request of AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request", step 1), from a raw request.
 * Header values are HTTP bytes read as Latin-1; everything else in the result is ASCII, so the result is hashed as Latin-1.
 */
import type { ApiRequest } from '#shared/protocols/api-request.ts';

/** RFC 3986 unreserved characters stay, every other byte of the UTF-8 form becomes %XX. */
export const escapeUri = (value: string): string => encodeURIComponent(value).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Removes empty, `.` and `..` segments, as every AWS client does before it signs. */
export function normalizePath(path: string): string {
  if (path === '/' || !/\/\.{0,2}(?:\/|$)/.test(path)) return path;
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return kept.length === 0 ? '/' : `/${kept.join('/')}${path.endsWith('/') ? '/' : ''}`;
}

/** The path is escaped once more than on the wire: the rule of every service but S3. */
export function canonicalPath(path: string): string {
  return path === '/' ? path : normalizePath(path).split('/').map(escapeUri).join('/');
}

/** A function of the decoded pairs (`+` is a space), so that two queries with one signature mean the same. */
export function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = [...new URLSearchParams(query)].map(([name, value]) => [escapeUri(name), escapeUri(value)] as const);
  pairs.sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function canonicalHeaders(headers: ApiRequest['headers'], signedHeaders: readonly string[]): string {
  let text = '';
  for (const name of signedHeaders) text += `${name}:${(headers[name] ?? '').replace(/[ \t\r\n]+/g, ' ').trim()}\n`;
  return text;
}

export interface Target {
  readonly path: string;
  readonly query: string;
}

export const canonicalTarget = ({ path, query }: Target): Target => ({ path: canonicalPath(path), query: canonicalQuery(query) });

/**
 * Older curls (7.88 in Debian 12) sign path and query as they send them. That text can also be the canonical form of another target, which then must
 * mean the same: a canonical query is the same pairs, and a canonical path decodes to the path it was made of, which is the one that is meant unless
 * that path holds percent signs itself (`%25` in the canonical form).
 * @returns undefined when there is no such reading, or it is the canonical one. Paths that were not normalised have none
 */
export function targetAsSent({ path, query }: Target, canonical: Target): Target | undefined {
  // ASCII only: the text is hashed as Latin-1, where other characters coincide.
  const isReadable = /^[!-~]+$/.test(path + query) && !path.includes('%25') && path === normalizePath(path);
  return isReadable && (path !== canonical.path || query !== canonical.query) ? { path, query } : undefined;
}

/** Precondition: `signedHeaders` are lower-case, sorted and present. */
export function canonicalRequest(request: ApiRequest, signedHeaders: readonly string[], payloadHash: string, { path, query } = canonicalTarget(request)): string {
  return `${request.method}\n${path}\n${query}\n${canonicalHeaders(request.headers, signedHeaders)}\n${signedHeaders.join(';')}\n${payloadHash}`;
}
