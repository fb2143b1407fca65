/** Signs a request with Smithy's signer: the independent half of the tests of our verifier. */
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Principal } from '#server/identity/principal.ts';
import type { ApiRequest } from '#shared/protocols/api-request.ts';

export interface SigningRequest {
  readonly principal?: Pick<Principal, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>;
  readonly service?: string;
  readonly region?: string;
  readonly nowMs?: number;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sends and signs x-amz-content-sha256. */
  readonly checksum?: boolean;
  /** Signs these headers only. */
  readonly sign?: readonly string[];
  /** False signs the path as it is sent. */
  readonly escapePath?: boolean;
}

class Sha256 {
  #secret: Uint8Array | string | undefined;
  #chunks: Uint8Array[] = [];
  constructor(secret?: Uint8Array | string) {
    this.#secret = secret;
  }
  update(chunk: Uint8Array | string): void {
    this.#chunks.push(Buffer.from(chunk as Uint8Array));
  }
  async digest(): Promise<Uint8Array> {
    const hash = this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
    return hash.update(Buffer.concat(this.#chunks)).digest();
  }
  reset(): void {
    this.#chunks = [];
  }
}

export async function signRequest(request: SigningRequest = {}): Promise<ApiRequest> {
  const { accessKeyId, secretAccessKey, sessionToken } = request.principal ?? { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : (request.body ?? new Uint8Array());
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    region: request.region ?? 'us-east-1',
    service: request.service ?? 'kms',
    sha256: Sha256 as never,
    applyChecksum: request.checksum ?? false,
    uriEscapePath: request.escapePath ?? true,
  });
  const headers = { host: request.host ?? 'localhost', 'content-type': 'application/x-amz-json-1.1', ...request.headers };
  // Smithy would take a payload kind for the payload's hash: the body is hashed here, as a client with a body does.
  const signed = await signer.sign(
    { method: request.method ?? 'POST', protocol: 'http:', hostname: 'localhost', path: request.path ?? '/', query: queryBag(request.query ?? ''), headers, body },
    {
      signingDate: new Date(request.nowMs ?? Date.now()),
      ...(request.sign === undefined ? {} : { signableHeaders: new Set(request.sign), unsignableHeaders: unsigned(headers, request.sign) }),
    },
  );
  return { method: signed.method, path: signed.path, query: request.query ?? '', headers: lowerCase(signed.headers), body, sourceIp: '127.0.0.1' };
}

const lowerCase = (headers: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const unsigned = (headers: Record<string, string>, sign: readonly string[]): Set<string> =>
  new Set([...Object.keys(headers), 'x-amz-security-token', 'x-amz-content-sha256', 'x-amz-date'].filter((name) => !sign.includes(name)));

function queryBag(query: string): Record<string, string | string[]> {
  const bag: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(query)) bag[name] = [...(bag[name] ?? []), value];
  return { ...bag };
}
