import type { IncomingMessage } from 'node:http';
import { KmsError } from '#shared/errors.ts';
import type { ApiRequest } from '#shared/protocols/api-request.ts';
import { normalizePath } from '../identity/canonical-request.ts';

/** These decide where a request goes or who sent it: said twice, two readers could believe different ones. */
const onceOnly: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-type',
  'content-length',
  'date',
  'x-amz-date',
  'x-amz-target',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

export interface ReadRequest {
  readonly request: ApiRequest;
  /** Why the request must be refused: one reader could see another request in it than the next. */
  readonly fault: KmsError | undefined;
}

/** The request as the protocols see it. The path is normalised as clients do before they sign, so that what is routed is what was signed. */
export function toApiRequest(message: IncomingMessage, body: Uint8Array): ReadRequest {
  const { headers, repeated } = joinHeaders(message.rawHeaders);
  const target = utf8(withoutOrigin(message.url ?? '/'));
  const mark = target.indexOf('?');
  const request: ApiRequest = {
    method: message.method ?? '',
    path: normalizePath(mark < 0 ? target : target.slice(0, mark)),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers,
    body,
    sourceIp: message.socket.remoteAddress ?? '',
  };
  return { request, fault: repeated === undefined ? undefined : new KmsError('ValidationException', `The header ${repeated} must be unique and is repeated.`) };
}

function joinHeaders(raw: readonly string[]): { headers: Record<string, string>; repeated: string | undefined } {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let repeated: string | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    const value = raw[at + 1]!;
    if (headers[name] === undefined) headers[name] = value;
    else if (onceOnly.has(name)) repeated = name;
    else headers[name] += `,${value}`;
  }
  return { headers, repeated };
}

/** Absolute-form targets (RFC 9112 section 3.2.2) are signed by their path. */
const withoutOrigin = (url: string): string => (url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '').replace(/^(?!\/)/, '/'));

/** node:http reads the target as Latin-1; unescaped non-ASCII bytes are UTF-8. */
const utf8 = (text: string): string => (/[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text);
