import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalRequest, normalizePath } from '#server/identity/canonical-request.ts';
import { createSigV4Verifier } from '#server/identity/sigv4-verifier.ts';
import type { ApiRequest } from '#shared/protocols/api-request.ts';

interface SigningCase {
  readonly name: string;
  readonly context: {
    readonly credentials: { readonly access_key_id: string; readonly secret_access_key: string; readonly token?: string };
    readonly normalize: boolean;
    readonly omit_session_token?: boolean;
    readonly service: string;
    readonly timestamp: string;
  };
  readonly canonicalRequest: string;
  readonly signature: string;
  readonly signedRequest: string;
}

const cases = JSON.parse(readFileSync(new URL('data/sigv4/signing-test-suite.json', import.meta.url), 'utf8')) as SigningCase[];
if (cases.length === 0) throw new Error('The signing test suite is empty.');

/** Reads the suite's text form: an HTTP/1.1 request whose header values may be folded over several lines. */
function readRequest(text: string): ApiRequest {
  const [head, body = ''] = text.split(/\r?\n\r?\n/, 2) as [string, string?];
  const [requestLine, ...headerLines] = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/) as [string, ...string[]];
  const match = /^(\S+) (.*) HTTP\/1\.1$/.exec(requestLine)!;
  const [path, query = ''] = match[2]!.split('?', 2) as [string, string?];
  const headers: Record<string, string> = {};
  for (const line of headerLines.filter((each) => each !== '')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]},${value}` : value;
  }
  return { method: match[1]!, path, query, headers, body: Buffer.from(body), sourceIp: '127.0.0.1' };
}

const verifierOf = (signing: SigningCase) =>
  createSigV4Verifier({
    services: [signing.context.service],
    clock: { now: () => Date.parse(signing.context.timestamp) },
    findPrincipal: () => ({
      accessKeyId: signing.context.credentials.access_key_id,
      secretAccessKey: signing.context.credentials.secret_access_key,
      sessionToken: signing.context.credentials.token,
      account: '000000000000',
      principalArn: 'arn:aws:iam::000000000000:user/vector',
      principalId: 'AIDAVECTOR',
    }),
  });

/** Signed with path normalisation off, on a path that normalisation changes: a service with S3's rule only. */
const rawPaths = cases.filter((each) => {
  const { path } = readRequest(each.signedRequest);
  return !each.context.normalize && normalizePath(path) !== path;
});
const unsignedToken = cases.filter((each) => each.context.omit_session_token === true);
const refused = new Set([...rawPaths, ...unsignedToken]);
const accepted = cases.filter((each) => !refused.has(each));

describe('AWS signing test suite', () => {
  test('the suite is split into what must verify and what must not', () => {
    expect([accepted.length, rawPaths.length, unsignedToken.length]).toEqual([31, 6, 1]);
  });

  test.each(accepted)('$name verifies', (signing) => {
    expect(verifierOf(signing)(readRequest(signing.signedRequest)).principalId).toBe('AIDAVECTOR');
  });

  test.each(accepted)('$name has the published canonical request', (signing) => {
    const request = readRequest(signing.signedRequest);
    const expected = signing.canonicalRequest.replaceAll('\r\n', '\n');
    const lines = expected.split('\n');
    expect(canonicalRequest(request, lines.at(-2)!.split(';'), lines.at(-1)!)).toBe(expected);
  });

  test.each(accepted)('$name is refused with another signature', (signing) => {
    const request = readRequest(
      signing.signedRequest.replace(
        signing.signature,
        signing.signature.replace(/^./, (c) => (c === '0' ? '1' : '0')),
      ),
    );
    expect(() => verifierOf(signing)(request)).toThrow(expect.objectContaining({ code: 'InvalidSignatureException' }));
  });

  test.each(rawPaths)('$name, signed over a path that was not normalised, is refused', (signing) => {
    expect(() => verifierOf(signing)(readRequest(signing.signedRequest))).toThrow(expect.objectContaining({ code: 'InvalidSignatureException' }));
  });

  test.each(unsignedToken)('$name, with a session token outside the signature, is refused', (signing) => {
    const request = readRequest(signing.signedRequest);
    expect(() => verifierOf(signing)({ ...request, headers: { ...request.headers, 'x-amz-security-token': signing.context.credentials.token! } })).toThrow(
      expect.objectContaining({ code: 'InvalidSignatureException' }),
    );
  });
});
