/** The little HTTP/1.1 that the bridge takes: the head of one request (RFC 9112), with a body of a stated length or none. Anything else is refused. */
import { deadlineHeader } from '#shared/bridge-protocol.ts';
import { CryptoError } from '#shared/ports/crypto.ts';

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Undefined when the request states none. */
  readonly contentLength: number | undefined;
  readonly deadline: string | undefined;
  /** The client takes one more answer. */
  readonly close: boolean;
}

const requestLine = /^([A-Z]{1,16}) (\/[\x21-\x7e]{0,255}) HTTP\/1\.1$/;
/** RFC 9110 section 5.5: a name is a token; a value has no control characters but tabs. */
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
/** Each at most once: two that differ are how one request is passed off as two. */
const read = ['host', 'content-length', 'connection', deadlineHeader] as const;
/** Other ways to state where a body ends, or whether it comes at all. */
const refused: ReadonlySet<string> = new Set(['transfer-encoding', 'expect', 'upgrade']);

/** @param text latin1, without the empty line that ends it. @throws CryptoError invalid-request */
export function parseRequestHead(text: string): RequestHead {
  const lines = text.split('\r\n');
  const [, method, path] = requestLine.exec(lines[0] as string) ?? [];
  if (method === undefined || path === undefined) throw malformed('the request line is malformed');
  const fields = readFields(lines);
  if (fields.get('host') === undefined) throw malformed('the request needs a host');
  const length = fields.get('content-length');
  if (length !== undefined && !/^[0-9]{1,9}$/.test(length)) throw malformed('the content-length is malformed');
  return {
    method,
    path,
    contentLength: length === undefined ? undefined : Number(length),
    deadline: fields.get(deadlineHeader),
    close:
      fields
        .get('connection')
        ?.toLowerCase()
        .split(/[ \t]*,[ \t]*/)
        .includes('close') ?? false,
  };
}

function readFields(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let at = 1; at < lines.length; at++) {
    const [, given, value] = fieldLine.exec(lines[at] as string) ?? [];
    if (given === undefined || value === undefined) throw malformed('a header is malformed');
    const name = given.toLowerCase();
    if (refused.has(name)) throw malformed(`${name} is not taken`);
    if (!(read as readonly string[]).includes(name)) continue;
    if (fields.has(name)) throw malformed(`${name} stands twice`);
    fields.set(name, value.trimEnd());
  }
  return fields;
}

const malformed = (message: string): CryptoError => new CryptoError('invalid-request', message);
