/**
 * Verifies AWS Signature Version 4 in the Authorization header (IAM User Guide, "AWS Signature Version 4 for API requests") and says who calls.
 * The body is hashed here: x-amz-content-sha256 is compared, never trusted. Query-string signatures (presigned URLs) are refused.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { KmsError } from '#shared/errors.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { ApiRequest } from '#shared/protocols/api-request.ts';
import { type Authorization, parseAuthorization } from './authorization-header.ts';
import { canonicalRequest, canonicalTarget, type Target, targetAsSent } from './canonical-request.ts';
import type { Principal } from './principal.ts';
import { type RequestTime, readRequestTime, requireFresh } from './request-time.ts';
import { createSigningKeys, type SigningKeys } from './signing-keys.ts';

export interface SigV4Settings {
  /** Service names accepted in the credential scope. */
  readonly services: readonly string[];
  readonly clock: Clock;
  readonly skewMs?: number;
  findPrincipal(accessKeyId: string): Principal | undefined;
}

export type Authenticate = (request: ApiRequest) => Caller;

/** Used for unknown access keys, so that they cost the same work. It opens nothing: the answer is a refusal whatever the signature. */
const nobodysSecret = 'there-is-no-principal-with-this-access-key';
const mismatch =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const invalidToken = 'The security token included in the request is invalid.';
/** Beside `host` and the date: whatever of these is present decides what the request does or who asks. */
const signedWhenPresent = ['x-amz-security-token', 'x-amz-target'];

/** @throws (from the returned function) KmsError with AWS's codes and texts */
export function createSigV4Verifier(settings: SigV4Settings): Authenticate {
  const keys = createSigningKeys();
  const skewMs = settings.skewMs ?? 5 * 60_000;
  return (request) => {
    const authorization = readAuthorization(request);
    const time = readRequestTime(request.headers);
    requireSigned(request, authorization, ['host', time.header, ...signedWhenPresent.filter((name) => request.headers[name] !== undefined)]);
    requireScope(authorization, time, settings.services);
    requireFresh(time, settings.clock.now(), skewMs);
    const payloadHash = hash('sha256', request.body, 'hex');
    requirePayload(request, payloadHash);
    const principal = settings.findPrincipal(authorization.accessKeyId);
    const matches = signatureMatches(request, authorization, time, payloadHash, principal?.secretAccessKey, keys);
    if (principal === undefined || (matches && !tokenMatches(principal, request))) throw new KmsError('UnrecognizedClientException', invalidToken);
    if (!matches) throw new KmsError('InvalidSignatureException', mismatch);
    return {
      account: principal.account,
      region: authorization.region,
      principalArn: principal.principalArn,
      principalId: principal.principalId,
      accessKeyId: principal.accessKeyId,
      principalTags: principal.tags,
      organizationId: principal.organizationId,
    };
  };
}

function readAuthorization(request: ApiRequest): Authorization {
  const header = request.headers.authorization;
  const inQuery = request.query !== '' && [...new URLSearchParams(request.query).keys()].some((name) => /^x-amz-(?:algorithm|credential|signature|security-token)$/i.test(name));
  if (inQuery) throw new KmsError('IncompleteSignatureException', 'Signatures in the query string (presigned URLs) are not supported. Sign with the Authorization header.');
  if (header === undefined || header === '') throw new KmsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  return parseAuthorization(header);
}

function requireSigned(request: ApiRequest, authorization: Authorization, names: readonly string[]): void {
  for (const name of names) {
    if (!authorization.signedHeaders.includes(name)) throw new KmsError('InvalidSignatureException', `'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
  }
  for (const name of authorization.signedHeaders) {
    if (request.headers[name] === undefined) throw new KmsError('InvalidSignatureException', mismatch);
  }
}

function requireScope(authorization: Authorization, time: RequestTime, services: readonly string[]): void {
  if (!services.includes(authorization.service)) throw new KmsError('InvalidSignatureException', `Credential should be scoped to correct service: '${services.join("' or '")}'.`);
  if (authorization.scopeDate !== time.basic.slice(0, 8)) {
    throw new KmsError(
      'InvalidSignatureException',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${authorization.scopeDate}' != '${time.basic.slice(0, 8)}', from '${time.basic}'.`,
    );
  }
}

function requirePayload(request: ApiRequest, payloadHash: string): void {
  const claimed = request.headers['x-amz-content-sha256'];
  if (claimed === undefined || claimed === payloadHash) return;
  const message = /^(?:UNSIGNED-PAYLOAD|STREAMING-)/.test(claimed)
    ? 'Unsigned and streaming payloads are not supported: x-amz-content-sha256 must be the SHA-256 of the body.'
    : mismatch;
  throw new KmsError('InvalidSignatureException', message);
}

function signatureMatches(request: ApiRequest, authorization: Authorization, time: RequestTime, payloadHash: string, secret: string | undefined, keys: SigningKeys): boolean {
  const scope = { date: authorization.scopeDate, region: authorization.region, service: authorization.service };
  const usedSecret = secret ?? nobodysSecret;
  const key = keys.get(authorization.accessKeyId, usedSecret, scope);
  const claimed = Buffer.from(authorization.signature, 'hex');
  const scopeText = `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
  const compute = (canonical: string): Buffer =>
    createHmac('sha256', key)
      .update(`AWS4-HMAC-SHA256\n${time.basic}\n${scopeText}\n${hash('sha256', Buffer.from(canonical, 'latin1'), 'hex')}`)
      .digest();
  const fits = (target: Target): boolean => timingSafeEqual(compute(canonicalRequest(request, authorization.signedHeaders, payloadHash, target)), claimed);
  const canonical = canonicalTarget(request);
  const asSent = targetAsSent(request, canonical);
  const matches = fits(canonical) || (asSent !== undefined && fits(asSent));
  if (matches && secret !== undefined) keys.keep(authorization.accessKeyId, secret, scope, key);
  return matches && secret !== undefined;
}

function tokenMatches(principal: Principal, request: ApiRequest): boolean {
  const token = request.headers['x-amz-security-token'];
  if (principal.sessionToken === undefined || token === undefined) return principal.sessionToken === token;
  return timingSafeEqual(hash('sha256', principal.sessionToken, 'buffer'), hash('sha256', token, 'buffer'));
}
