import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { bridgeErrorStatus, deadlineHeader, frameBytesLimit } from '#shared/bridge-protocol.ts';
import { CryptoError, type CryptoErrorCode } from '#shared/ports/crypto.ts';
import type { Hsm } from '../operations/hsm.ts';
import { runBatch } from './batch.ts';
import { callerClassOfSocket } from './caller-class.ts';
import { call, demandClass, isOperation } from './calls.ts';
import type { ServerCertificates } from './certificate-files.ts';
import { type Deadlined, Deadlines } from './deadlines.ts';

export interface BridgeServerOptions {
  readonly hsm: Hsm;
  readonly host: string;
  readonly port: number;
  readonly certificates: ServerCertificates;
  /** Unexpected faults, for the operator's log. */
  readonly onFault: (error: unknown) => void;
  readonly observer?: ServerObserver;
}

/** What is measured of the server. */
export interface ServerObserver {
  /** `ok`, or the code of the error. */
  answered(result: 'ok' | CryptoErrorCode): void;
  connected(clientCertificateEndsAt: Date): void;
}

const prefix = '/v1/';
const deadlineDefaultMs = 5_000;
const deadlineMaxMs = 60_000;
/** Connections end after about this long, so that clients spread over new bridges. */
const connectionLifeMs = 300_000;
const idleConnectionMs = 120_000;
const retryAfterSeconds = '1';
/** Batches in memory at a time: their frames are large. */
const batchesMax = 32;

/** HTTP/1.1 over mutual TLS 1.3. */
export class BridgeServer {
  readonly #options: BridgeServerOptions;
  readonly #server: Server;
  readonly #deadlines = new Deadlines();
  #draining = false;
  #batches = 0;

  constructor(options: BridgeServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { ...tlsOptions(options.certificates), requestCert: true, rejectUnauthorized: true, keepAliveTimeout: idleConnectionMs, requestTimeout: 10_000, headersTimeout: 5_000 },
      (request, response) => this.#receive(request, response),
    );
    this.#server.maxRequestsPerSocket = 0;
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#connected(socket));
  }

  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** For new connections. Those that are open end by themselves within minutes, whatever certificate they came with. */
  useCertificates(certificates: ServerCertificates): void {
    this.#server.setSecureContext(tlsOptions(certificates));
  }

  /** Finishes what runs, answers no new connection. */
  async drain(withinMs: number): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const hurry = setTimeout(() => this.#server.closeAllConnections(), withinMs);
    await closed;
    clearTimeout(hurry);
  }

  #connected(socket: TLSSocket): void {
    connectionEnds.set(socket, performance.now() + connectionLifeMs * (1 + Math.random() / 5));
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined) this.#options.observer?.connected(certificate.validToDate);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    response.sendDate = false;
    const declared = Number(request.headers['content-length'] ?? Number.NaN);
    const name = request.url?.startsWith(prefix) ? request.url.slice(prefix.length) : '';
    try {
      if (request.method !== 'POST' || !isOperation(name)) throw new CryptoError('invalid-request', 'unknown operation');
      const callerClass = callerClassOfSocket(request.socket as TLSSocket);
      demandClass(name, callerClass);
      if (!(declared <= frameBytesLimit(name))) throw new CryptoError('invalid-request', 'the body needs a content-length within bounds');
      const deadlineAt = performance.now() + budgetMs(request.headers[deadlineHeader]);
      if (name === 'batch') this.#admitBatch(response);
      const { hsm, onFault } = this.#options;
      this.#read(request, declared, (body) =>
        this.#run(response, deadlineAt, body, () => (name === 'batch' ? runBatch(hsm, body, { deadlineAt, callerClass, onFault }) : call(hsm, name, body, deadlineAt))),
      );
    } catch (error) {
      // The body stays unread, so the connection cannot be used again.
      response.shouldKeepAlive = false;
      this.#refuse(response, error);
      request.resume();
    }
  }

  /** @throws CryptoError busy */
  #admitBatch(response: ServerResponse): void {
    if (this.#batches >= batchesMax) throw new CryptoError('busy', 'too many batches at a time');
    this.#batches++;
    response.once('close', () => {
      this.#batches--;
    });
  }

  #read(request: IncomingMessage, length: number, done: (body: Buffer) => void): void {
    let body: Buffer | undefined;
    let at = 0;
    request.on('data', (chunk: Buffer) => {
      // Nearly always the whole body at once, in memory that nobody else uses.
      if (chunk.length === length && at === 0) body = chunk;
      else {
        body ??= Buffer.alloc(length);
        chunk.copy(body, at);
        chunk.fill(0);
      }
      at += chunk.length;
    });
    request.on('end', () => done(body ?? Buffer.alloc(0)));
    request.on('error', () => body?.fill(0));
  }

  #run(response: ServerResponse, deadlineAt: number, body: Buffer, start: () => Promise<Buffer>): void {
    let answered = false;
    const item: Deadlined = {
      deadlineAt,
      expire: () => {
        answered = true;
        this.#refuse(response, new CryptoError('timeout', 'the deadline passed'));
      },
    };
    this.#deadlines.add(item);
    start()
      .then(
        (frame) => {
          if (answered) frame.fill(0);
          else this.#answer(response, 200, frame, 'application/octet-stream');
          if (!answered) this.#options.observer?.answered('ok');
        },
        (error) => {
          if (!answered) this.#refuse(response, error);
        },
      )
      .finally(() => {
        this.#deadlines.remove(item);
        body.fill(0);
      });
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const known = error instanceof CryptoError ? error : new CryptoError('internal', 'the bridge failed');
    if (known.code === 'internal') this.#options.onFault(error);
    this.#options.observer?.answered(known.code);
    const status = bridgeErrorStatus[known.code];
    if (status === 503) response.setHeader('retry-after', retryAfterSeconds);
    this.#answer(response, status, Buffer.from(JSON.stringify({ code: known.code, message: known.message.slice(0, 500) }), 'utf8'), 'application/json');
  }

  #answer(response: ServerResponse, status: number, body: Buffer, type: string): void {
    const { socket } = response;
    if (this.#draining || (socket !== null && performance.now() > (connectionEnds.get(socket) ?? 0))) response.shouldKeepAlive = false;
    response.writeHead(status, { 'content-type': type, 'content-length': body.length });
    response.end(body, () => body.fill(0));
  }
}

const tlsOptions = ({ certificate: cert, key, clientAuthority: ca }: ServerCertificates) => ({ cert, key, ca, minVersion: 'TLSv1.3' }) as const;

const connectionEnds = new WeakMap<object, number>();

function budgetMs(header: string | string[] | undefined): number {
  if (header === undefined) return deadlineDefaultMs;
  const value = Number(header);
  if (!Number.isInteger(value) || value < 1) throw new CryptoError('invalid-request', `${deadlineHeader} must be a whole number of milliseconds`);
  return Math.min(value, deadlineMaxMs);
}
