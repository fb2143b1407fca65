/** Callers of the deployed API: IAM users of the emulator, and requests that they sign as `execute-api`. */
import { KMS } from '@aws-sdk/client-kms';
import type { Deployed } from './deploy.ts';
import type { LedgerCall } from './ledger.ts';
import { signRequest } from './sign-request.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RestAnswer {
  readonly status: number;
  readonly requestId: string;
  readonly body: Record<string, unknown>;
}

/** @param actions what the user's policy allows on the API; none: a user without a policy */
export async function createUser(deployed: Deployed, name: string, actions: readonly string[]): Promise<Credentials> {
  await iam(deployed, { Action: 'CreateUser', UserName: name });
  if (actions.length > 0) {
    const Statement = [{ Effect: 'Allow', Action: actions, Resource: '*' }];
    await iam(deployed, { Action: 'PutUserPolicy', UserName: name, PolicyName: 'api', PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }) });
  }
  const answer = await iam(deployed, { Action: 'CreateAccessKey', UserName: name });
  const member = (tag: string) => new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(answer)?.[1] ?? '';
  return { accessKeyId: member('AccessKeyId'), secretAccessKey: member('SecretAccessKey') };
}

export async function iam(deployed: Deployed, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ Version: '2010-05-08', ...parameters }).toString();
  const { client } = deployed;
  const { headers } = await signRequest({
    principal: client.credentials,
    service: 'iam',
    region: client.region,
    host: new URL(client.endpoint).host,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
  const response = await fetch(client.endpoint, { method: 'POST', headers: withoutHost(headers), body });
  const text = await response.text();
  if (!response.ok) throw new Error(`IAM ${parameters.Action} failed: ${text}`);
  return text;
}

/** AWS's own client. On AWS the gateway takes signatures for execute-api only, so the signing name is set. */
export function kmsClient(deployed: Deployed, credentials: Credentials): KMS {
  const { region } = deployed.client;
  return new KMS({
    endpoint: deployed.apiUrl,
    region,
    credentials,
    maxAttempts: 1,
    httpAuthSchemeProvider: () => [
      { schemeId: 'aws.auth#sigv4', signingProperties: { name: 'execute-api', region }, propertiesExtractor: (config, context) => ({ signingProperties: { config, context } }) },
    ],
  });
}

/** For a ledger: the AWS JSON protocol, sent once. */
export const wireCall =
  (deployed: Deployed, principal: Credentials): LedgerCall =>
  (operation, input) =>
    rest(deployed, principal, 'POST', '/', { body: input, headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` } });

export interface RestOptions {
  readonly body?: unknown;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Changes the signed request before it is sent. */
  readonly tamper?: (headers: Record<string, string>) => void;
}

export async function rest(
  deployed: Deployed,
  principal: Credentials,
  method: string,
  path: string,
  { body, query = '', headers: given = { 'content-type': 'application/json' }, tamper }: RestOptions = {},
): Promise<RestAnswer> {
  const url = new URL(deployed.apiUrl + path);
  const text = body === undefined ? '' : JSON.stringify(body);
  const signed = await signRequest({
    principal,
    service: 'execute-api',
    region: deployed.client.region,
    host: url.host,
    method,
    path: url.pathname,
    query,
    headers: given,
    body: text,
  });
  const headers = withoutHost(signed.headers);
  tamper?.(headers);
  const response = await fetch(query === '' ? url : `${url}?${query}`, { method, headers, ...(text === '' ? {} : { body: text }) });
  const answer = await response.text();
  return { status: response.status, requestId: response.headers.get('x-amzn-requestid') ?? '', body: answer === '' ? {} : (JSON.parse(answer) as Record<string, unknown>) };
}

function withoutHost(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { host: _, ...others } = headers;
  return others;
}
