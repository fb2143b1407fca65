import { describe, expect, test } from 'vitest';
import type { Principal } from '#server/identity/principal.ts';
import { createSigV4Verifier } from '#server/identity/sigv4-verifier.ts';
import { signRequest } from '#test/support/sign-request.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const principal: Principal = {
  accessKeyId: 'AKIAEXAMPLE000000001',
  secretAccessKey: 'a secret with / and + in it',
  account: '111122223333',
  principalArn: 'arn:aws:iam::111122223333:user/alice',
  principalId: 'AIDAALICE',
};
const session: Principal = { ...principal, accessKeyId: 'ASIAEXAMPLE000000001', sessionToken: 'token/with+characters==' };
const verify = createSigV4Verifier({
  services: ['kms', 'execute-api'],
  clock: { now: () => now },
  findPrincipal: (id) => [principal, session].find((each) => each.accessKeyId === id),
});

const wire = (change: Parameters<typeof signRequest>[0] = {}) =>
  signRequest({ principal, nowMs: now, headers: { 'x-amz-target': 'TrentService.ListKeys' }, body: '{"Limit":1}', ...change });
const refusal = (code: string, message?: string | RegExp) =>
  expect.objectContaining({ code, ...(message === undefined ? {} : { message: typeof message === 'string' ? message : expect.stringMatching(message) }) });

describe('SigV4 verifier', () => {
  test('a signed request gives its principal, with the Region of the scope', async () => {
    expect(verify(await wire({ region: 'eu-west-1' }))).toEqual({
      account: '111122223333',
      region: 'eu-west-1',
      principalArn: 'arn:aws:iam::111122223333:user/alice',
      principalId: 'AIDAALICE',
      accessKeyId: 'AKIAEXAMPLE000000001',
    });
  });

  test.each(['kms', 'execute-api'])('the service name %s is accepted', async (service) => {
    expect(verify(await wire({ service })).principalId).toBe('AIDAALICE');
  });

  test.each(['s3', 'kms-xks-proxy', ''])('the service name "%s" is refused', async (service) => {
    const request = await wire({ service });
    expect(() => verify(request)).toThrow(refusal('InvalidSignatureException', /correct service/));
  });

  test('no Authorization header is a missing token', async () => {
    const { authorization: _, ...headers } = (await wire()).headers;
    const request = { ...(await wire()), headers };
    expect(() => verify(request)).toThrow(refusal('MissingAuthenticationTokenException', 'Missing Authentication Token'));
  });

  test.each([
    ['Bearer abc', /Unsupported/],
    ['AWS4-HMAC-SHA256', /Unsupported/],
    ['AWS4-HMAC-SHA256 nonsense', /not name=value/],
    ['AWS4-HMAC-SHA256 Credential=A/20261123/r/kms/aws4_request', /'Signature'.*'SignedHeaders'/],
    ['AWS4-HMAC-SHA256 Credential=A/20261123/r/kms, SignedHeaders=host, Signature=00', /64/],
    [`AWS4-HMAC-SHA256 Credential=A/20261123/r/kms, SignedHeaders=host, Signature=${'0'.repeat(64)}`, /5 slash/],
    [`AWS4-HMAC-SHA256 Credential=A/20261123/r/kms/aws4_request, SignedHeaders=host;date, Signature=${'0'.repeat(64)}`, /sorted/],
    [`AWS4-HMAC-SHA256 Credential=A/20261123/r/kms/aws4_request, SignedHeaders=Host, Signature=${'0'.repeat(64)}`, /lower-case/],
    [`AWS4-HMAC-SHA256 Credential=A/20261123/r/kms/aws4_request, Credential=A/20261123/r/kms/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`, /more than once/],
    [`AWS4-HMAC-SHA256 ${'a'.repeat(5000)}`, /too long/],
  ])('the malformed header %.60s is incomplete', async (authorization, message) => {
    const request = await wire();
    expect(() => verify({ ...request, headers: { ...request.headers, authorization } })).toThrow(refusal('IncompleteSignatureException', message));
  });

  test('an unknown access key is an unrecognised client', async () => {
    const request = await wire({ principal: { ...principal, accessKeyId: 'AKIANOBODY' } });
    expect(() => verify(request)).toThrow(refusal('UnrecognizedClientException', 'The security token included in the request is invalid.'));
  });

  test("an unknown access key is refused even when signed with the verifier's stand-in secret", async () => {
    const request = await wire({ principal: { ...principal, accessKeyId: 'AKIANOBODY', secretAccessKey: 'there-is-no-principal-with-this-access-key' } });
    expect(() => verify(request)).toThrow(refusal('UnrecognizedClientException'));
  });

  test("a wrong secret is AWS's mismatch text", async () => {
    const request = await wire({ principal: { ...principal, secretAccessKey: 'wrong' } });
    expect(() => verify(request)).toThrow(
      refusal('InvalidSignatureException', /^The request signature we calculated does not match the signature you provided\. Check your AWS Secret Access Key/),
    );
  });

  test('a right request before does not help a wrong one after', async () => {
    verify(await wire());
    const request = await wire({ principal: { ...principal, secretAccessKey: 'wrong' } });
    expect(() => verify(request)).toThrow(refusal('InvalidSignatureException'));
  });

  test.each([
    ['an expired', -5 * 60_000 - 1000, /^Signature expired: 20261123T115459Z is now earlier than 20261123T115500Z \(20261123T120000Z - 5 min\.\)$/],
    ['a future', 5 * 60_000 + 1000, /^Signature not yet current: 20261123T120501Z is still later than 20261123T120500Z \(20261123T120000Z \+ 5 min\.\)$/],
  ])('%s signature is refused', async (_name, offsetMs, message) => {
    const request = await wire({ nowMs: now + offsetMs });
    expect(() => verify(request)).toThrow(refusal('InvalidSignatureException', message));
  });

  test.each([-5 * 60_000, 5 * 60_000])('a clock that differs by %i ms is accepted', async (offsetMs) => {
    expect(verify(await wire({ nowMs: now + offsetMs })).principalId).toBe('AIDAALICE');
  });

  test('a scope of another day is refused', async () => {
    const request = await wire();
    const authorization = request.headers.authorization!.replace('/20261123/', '/20261122/');
    expect(() => verify({ ...request, headers: { ...request.headers, authorization } })).toThrow(refusal('InvalidSignatureException', /Date in Credential scope/));
  });

  test.each(['x-amz-target', 'x-amz-security-token'])('%s outside the signature is refused', async (name) => {
    const request = await wire({ headers: {} });
    expect(() => verify({ ...request, headers: { ...request.headers, [name]: 'TrentService.ScheduleKeyDeletion' } })).toThrow(
      refusal('InvalidSignatureException', `'${name}' must be a 'SignedHeader' in the AWS Authorization.`),
    );
  });

  test('host outside the signature is refused', async () => {
    const request = await wire({ sign: ['x-amz-date', 'x-amz-target'] });
    expect(() => verify(request)).toThrow(refusal('InvalidSignatureException', /'host'/));
  });

  test('the fewest headers that a client signs are enough (aws4fetch)', async () => {
    expect(verify(await wire({ sign: ['host', 'x-amz-date', 'x-amz-target'] })).principalId).toBe('AIDAALICE');
  });

  test.each(['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'])('the payload kind %s is refused', async (kind) => {
    const request = await wire({ headers: { 'x-amz-content-sha256': kind } });
    expect(() => verify(request)).toThrow(refusal('InvalidSignatureException', /not supported/));
  });

  test('a replaced body is refused, with and without x-amz-content-sha256', async () => {
    const withHash = await wire({ checksum: true });
    const without = await wire();
    for (const request of [withHash, without]) expect(() => verify({ ...request, body: Buffer.from('{"Limit":2}') })).toThrow(refusal('InvalidSignatureException'));
  });

  test.each([
    ['missing', undefined],
    ['wrong', 'another-token'],
    ['longer', `${session.sessionToken}=`],
  ])('a session whose token is %s is refused', async (_name, token) => {
    const headers: Record<string, string> = { 'x-amz-target': 'TrentService.ListKeys' };
    if (token !== undefined) headers['x-amz-security-token'] = token;
    const request = await wire({ principal: { ...session, sessionToken: undefined }, headers });
    expect(() => verify(request)).toThrow(refusal('UnrecognizedClientException', 'The security token included in the request is invalid.'));
  });

  test('a session with its token is accepted', async () => {
    expect(verify(await wire({ principal: session })).accessKeyId).toBe('ASIAEXAMPLE000000001');
  });

  test('a token on a principal that has none is refused', async () => {
    const request = await wire({ headers: { 'x-amz-security-token': 'whatever' } });
    expect(() => verify(request)).toThrow(refusal('UnrecognizedClientException'));
  });

  test('a presigned URL is refused with a clear text', async () => {
    const request = { ...(await wire()), query: 'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00' };
    expect(() => verify(request)).toThrow(refusal('IncompleteSignatureException', /presigned/));
  });

  test.each(['a=2&a=1&b=', 'b&a', 'name=%C3%A9+%20~&name=%2B', "q=!'()*", '=x&&y==z', 'K=v&k=V'])('the query %s verifies as it comes', async (query) => {
    expect(verify(await wire({ method: 'GET', path: '/v1/keys', query, headers: {}, body: '' })).principalId).toBe('AIDAALICE');
  });

  test.each(['/v1/keys/arn%3Aaws%3Akms%3Aeu-west-1%3A111122223333%3Akey%2Fx', '/v1/aliases/alias%2Fa b', '/prod/', '/prod'])('the path %s verifies as it comes', async (path) => {
    expect(verify(await wire({ path, headers: {} })).principalId).toBe('AIDAALICE');
  });

  test('a signature over one path is for no path of other characters, though they end in the same byte', async () => {
    const signed = await wire({ path: '/v1/keys/A/enable', headers: {} });
    expect(verify(signed).principalId).toBe('AIDAALICE');
    for (const path of ['/v1/keys/\u0141/enable', '/v1/keys/\u0241/enable', '/v1/key\u0173/A/enable'])
      expect(() => verify({ ...signed, path })).toThrow(refusal('InvalidSignatureException'));
    const read = await wire({ method: 'GET', path: '/v1/keys', query: 'Limit=1', headers: {}, body: '' });
    expect(() => verify({ ...read, query: 'Limi\u0174=1' })).toThrow(refusal('InvalidSignatureException'));
  });

  test.each(['/v1/keys/arn:aws:kms:x:1:key/y', '/v1/aliases/alias%2Fa:b', '/v1/keys/arn%3Aaws%3Akms'])('the path %s verifies also as an old curl signs it', async (path) => {
    expect(verify(await wire({ path, headers: {}, escapePath: false })).principalId).toBe('AIDAALICE');
  });

  test('a signature for a path that holds percent signs is none for what they decode to', async () => {
    const signed = await wire({ path: '/v1/keys/a%2Fb', headers: {} });
    const moved = { ...signed, path: '/v1/keys/a%252Fb' };

    expect(verify(signed).principalId).toBe('AIDAALICE');
    expect(() => verify(moved)).toThrow(refusal('InvalidSignatureException'));
  });
});
