/** The HTTP front of the single node: bounds on size, time and number of everything, then the protocols of shared/. Plain HTTP on the loopback interface. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KmsError } from '#shared/errors.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { ApiRequest, ApiResponse, ResponseSummary } from '#shared/protocols/api-request.ts';
import { toApiRequest } from './api-request.ts';
import { isMetrics, type MetricsPage, sendMetrics } from './metrics-page.ts';
import { readBody } from './read-body.ts';

export interface ListenerLimits {
  readonly bodyBytesMax: number;
  readonly connectionsMax: number;
  /** Requests being worked on at once; more are told to slow down. */
  readonly inFlightMax: number;
  /** For the whole request to arrive. */
  readonly requestTimeoutMs: number;
  /** For a connection on which nothing happens. */
  readonly idleTimeoutMs: number;
  /** For an answer to be found. */
  readonly answerTimeoutMs: number;
}

export const defaultLimits: ListenerLimits = {
  bodyBytesMax: 1024 * 1024,
  connectionsMax: 2000,
  inFlightMax: 1000,
  requestTimeoutMs: 15_000,
  idleTimeoutMs: 65_000,
  answerTimeoutMs: 30_000,
};

export interface HealthAnswer {
  readonly ready: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ListenerSettings {
  readonly limits: ListenerLimits;
  readonly authenticate: (request: ApiRequest) => Caller;
  readonly handle: (request: ApiRequest, authenticate: (request: ApiRequest) => Caller) => Promise<ApiResponse>;
  readonly health: () => HealthAnswer;
  /** Called once per request, after its answer was handed over. */
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  readonly metrics?: MetricsPage;
  readonly onAnswer?: (summary: ResponseSummary, latencyMs: number) => void;
}

export interface Listener {
  /** @returns the port */
  listen(host: string, port: number): Promise<number>;
  /** Refuses new connections, lets requests under way finish within the time, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

export function createListener(settings: ListenerSettings): Listener {
  const { limits } = settings;
  const server = createServer({
    headersTimeout: Math.min(10_000, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.requestTimeoutMs),
    requireHostHeader: true,
  });
  server.maxConnections = limits.connectionsMax;
  server.maxHeadersCount = 100;
  server.timeout = Math.max(limits.idleTimeoutMs, limits.answerTimeoutMs) + 5000;
  let inFlight = 0;

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (message.url === '/health' || message.url?.startsWith('/health?')) return sendHealth(message, response, settings.health());
    if (settings.metrics !== undefined && isMetrics(message)) return sendMetrics(message, response, settings.metrics);
    const startedMs = performance.now();
    inFlight += 1;
    try {
      const answer = await answerTo(settings, message, inFlight > limits.inFlightMax);
      if (answer === undefined) return void response.destroy();
      send(response, answer, message.complete && server.listening);
      const latencyMs = performance.now() - startedMs;
      settings.onAnswer?.(answer.summary, latencyMs);
      settings.log(accessLine(answer, latencyMs));
    } finally {
      inFlight -= 1;
    }
  };
  const answering = new WeakMap<Socket, ServerResponse>();
  const onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    answering.set(message.socket, response);
    serve(message, response).catch((error: unknown) => {
      settings.log({ event: 'request-abandoned', time: new Date().toISOString(), reason: error instanceof Error ? error.name : 'unknown' });
      response.destroy();
    });
  };

  server.on('request', onRequest);
  server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
    if (Number(message.headers['content-length'] ?? 0) <= limits.bodyBytesMax) response.writeContinue();
    onRequest(message, response);
  });
  server.on('clientError', (error, socket) => {
    const last = answering.get(socket as Socket);
    // Behind a whole request, the next bytes on the connection are no request: what the first one is answered must not be cut off or passed over.
    if (last?.req.complete === true && !last.closed) last.once('close', () => refuseMalformed(error, socket as Socket));
    else refuseMalformed(error, socket as Socket);
  });
  server.on('connect', (_message, socket) => socket.destroy());
  server.on('upgrade', (_message, socket) => socket.destroy());

  return {
    listen: (host, port) => listen(server, host, port),
    close: (graceMs) => close(server, graceMs),
  };
}

/** Undefined when the caller went away before the request was whole. */
async function answerTo(settings: ListenerSettings, message: IncomingMessage, overloaded: boolean): Promise<ApiResponse | undefined> {
  let body: Buffer | undefined;
  try {
    body = await readBody(message, settings.limits.bodyBytesMax);
  } catch {
    return undefined;
  }
  const { request, fault } = toApiRequest(message, body ?? new Uint8Array());
  const refusal = fault ?? admission(settings.limits, body, overloaded);
  const answer = settings.handle(request, refusal === undefined ? settings.authenticate : refuseWith(refusal));
  return withinTime(answer, settings.limits.answerTimeoutMs);
}

/** Refusals are answered by the protocols too, so that each leaves its audit record. */
function admission(limits: ListenerLimits, body: Buffer | undefined, overloaded: boolean): KmsError | undefined {
  if (body === undefined) return new KmsError('RequestEntityTooLargeException', `The request body is larger than ${limits.bodyBytesMax} bytes.`);
  return overloaded ? new KmsError('ThrottlingException', 'Rate exceeded') : undefined;
}

const refuseWith = (error: KmsError) => (): never => {
  throw error;
};

function withinTime(answer: Promise<ApiResponse>, timeoutMs: number): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(plainError(503, 'DependencyTimeoutException', 'The request took too long. Its outcome is unknown.')), timeoutMs);
    answer.then(
      (response) => {
        clearTimeout(timer);
        resolve(response);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

function plainError(status: number, code: string, message: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code },
    body: JSON.stringify({ __type: code, message }),
    summary: { requestId: '', operation: undefined, principalArn: undefined, errorCode: code },
  };
}

function accessLine({ status, summary }: ApiResponse, latencyMs: number): Record<string, unknown> {
  const { requestId, operation, errorCode, principalArn } = summary;
  return { event: 'request', time: new Date().toISOString(), requestId, operation, status, errorCode, latencyMs: Math.round(latencyMs * 100) / 100, principalArn };
}

const lingerMs = 1000;

/** A connection whose request was not read to its end cannot carry another: it is closed once the caller had time to read the answer. */
function send(response: ServerResponse, answer: ApiResponse, keepAlive: boolean): void {
  if (response.destroyed) return;
  const headers: Record<string, string | number> = { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) };
  // RFC 9110 section 8.6: no Content-Length with 204.
  if (answer.status === 204) delete headers['content-length'];
  if (!keepAlive) {
    headers.connection = 'close';
    const { socket } = response;
    response.req.resume();
    response.on('finish', () => setTimeout(() => socket?.destroy(), lingerMs).unref());
  }
  response.writeHead(answer.status, headers);
  response.end(answer.body);
}

function sendHealth(message: IncomingMessage, response: ServerResponse, health: HealthAnswer): void {
  message.resume();
  const allowed = message.method === 'GET' || message.method === 'HEAD';
  response.writeHead(!allowed ? 405 : health.ready ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(allowed ? JSON.stringify(health.body) : '');
}

/** Bytes that are no HTTP request, headers that are too many, requests that come too slowly. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, code] = malformedStatus(error.code);
  const body = JSON.stringify({ __type: code, message: 'The request is not well-formed HTTP, or it did not arrive in time.' });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/x-amz-json-1.1\r\nx-amzn-errortype: ${code}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function malformedStatus(code: string | undefined): readonly [string, string] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['408 Request Timeout', 'RequestTimeoutException'];
  if (code === 'HPE_HEADER_OVERFLOW') return ['431 Request Header Fields Too Large', 'RequestHeaderFieldsTooLargeException'];
  return ['400 Bad Request', 'SerializationException'];
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, 1024, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
