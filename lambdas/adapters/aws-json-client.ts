/**
 * A small client for the AWS services that speak the AWS JSON protocol (DynamoDB, EventBridge, SQS, Secrets Manager). One client of the SDK alone is more than the whole
 * bundle budget of a function: the record store is 338 KB and 45 ms of import with it, and 28 KB with this.
 * It signs, sends once and parses. Repeats are the caller's business, who knows whether a request may be sent twice.
 */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { SignatureV4 } from '@smithy/signature-v4';

export interface AwsJsonService {
  /** Of the host name and of the signature's scope. */
  readonly name: 'dynamodb' | 'events' | 'sqs' | 'secretsmanager';
  /** What stands before the dot in X-Amz-Target. */
  readonly targetPrefix: string;
  readonly jsonVersion: '1.0' | '1.1';
}

export interface AwsJsonSettings {
  readonly region?: string | undefined;
  /** Default: AWS_ENDPOINT_URL, or the service's own host in the Region. */
  readonly endpoint?: string | undefined;
  /** Default: what the Lambda service puts in the environment for the function's role. */
  readonly credentials?: AwsCredentials | undefined;
}

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsJsonClient {
  /** @throws AwsAnswerError for an answer that is not a success; any other error means that there was no answer. */
  send(operation: string, input: unknown, options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  destroy(): void;
}

/** An error answer of the service. Its name is the error's code. */
export class AwsAnswerError extends Error {
  readonly status: number;
  /** The whole answer: some errors carry details. */
  readonly details: Readonly<Record<string, unknown>>;
  constructor(status: number, details: Record<string, unknown>) {
    super(String(details.message ?? details.Message ?? `HTTP ${status}`));
    this.name = codeOf(details.__type) ?? 'UnknownError';
    this.status = status;
    this.details = details;
  }
}

const maxAnswerBytes = 32 * 1024 * 1024;
const maxSockets = 64;

export function createAwsJsonClient(service: AwsJsonService, settings: AwsJsonSettings = {}): AwsJsonClient {
  const region = settings.region ?? required('AWS_REGION');
  const endpoint = new URL(settings.endpoint ?? process.env.AWS_ENDPOINT_URL ?? defaultEndpoint(service.name, region));
  const credentials = settings.credentials ?? credentialsOfEnvironment();
  const signer = new SignatureV4({ service: service.name, region, credentials: { ...credentials }, sha256: Sha256 });
  const isTls = endpoint.protocol === 'https:';
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets });
  const target = {
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    path: endpoint.pathname,
    ...(endpoint.port === '' ? {} : { port: Number(endpoint.port) }),
  };

  return {
    async send(operation, input, { abortSignal }) {
      const body = JSON.stringify(input);
      const headers = { host: endpoint.host, 'content-type': `application/x-amz-json-${service.jsonVersion}`, 'x-amz-target': `${service.targetPrefix}.${operation}` };
      const signed = await signer.sign({ ...target, query: {}, headers, body });
      return new Promise((resolve, reject) => {
        const options = { ...target, headers: { ...signed.headers, 'content-length': Buffer.byteLength(body) }, agent, signal: abortSignal };
        const request = (isTls ? httpsRequest : httpRequest)(options, (answer) => void readAnswer(answer).then(resolve, reject));
        request.on('error', reject);
        request.end(body);
      });
    },
    destroy: () => agent.destroy(),
  };
}

async function readAnswer(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxAnswerBytes) throw new Error('The answer of the service is too large.');
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString();
  const status = answer.statusCode ?? 0;
  if (status === 200) return text === '' ? {} : JSON.parse(text);
  throw new AwsAnswerError(status, detailsOf(text));
}

/** A load balancer in between may answer with something that is not JSON. */
function detailsOf(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** `com.amazonaws.dynamodb.v20120810#ThrottlingException` and `ThrottlingException:http://...` both name ThrottlingException. */
function codeOf(type: unknown): string | undefined {
  return typeof type === 'string' ? type.split('#').at(-1)!.split(':')[0] : undefined;
}

function defaultEndpoint(service: string, region: string): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const fips = process.env.AWS_USE_FIPS_ENDPOINT === 'true' && service !== 'sqs' ? '-fips' : '';
  return `https://${service}${fips}.${region}.${suffix}`;
}

/** They are fixed for the life of a Lambda execution environment. */
function credentialsOfEnvironment(): AwsCredentials {
  const sessionToken = process.env.AWS_SESSION_TOKEN;
  return { accessKeyId: required('AWS_ACCESS_KEY_ID'), secretAccessKey: required('AWS_SECRET_ACCESS_KEY'), ...(sessionToken ? { sessionToken } : {}) };
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`The environment variable ${name} is not set.`);
  return value;
}

/** node:crypto in the shape that the signer takes. */
class Sha256 {
  readonly #make: () => Hash | Hmac;
  #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#make = () => (secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(secret)));
    this.#hash = this.#make();
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#make();
  }
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
