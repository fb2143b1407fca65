/** The bridge's listener: HTTP/1.1 over mutual TLS 1.3, for callers whose certificate says what they may call. */
import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { bridgeErrorStatus, type CallerClass, deadlineHeader, frameBytesLimit } from '#shared/bridge-protocol.ts';
import { CryptoError, type CryptoErrorCode } from '#shared/ports/crypto.ts';
import type { Hsm } from '../operations/hsm.ts';
import { runBatch } from './batch.ts';
import { callerClassOf } from './caller-class.ts';
import { call, demandClass, isOperation } from './calls.ts';
import type { ServerCertificates } from './certificate-files.ts';
import { Deadlines } from './deadlines.ts';
import { type Answer, type ConnectionLimits, type Exchange, HttpConnection } from './http-connection.ts';
import type { RequestHead } from './request-head.ts';
import type { Admission } from './request-reader.ts';

export interface BridgeServerOptions {
  readonly hsm: Hsm;
  readonly host: string;
  readonly port: number;
  readonly certificates: ServerCertificates;
  /** Unexpected faults, for the operator's log. */
  readonly onFault: (error: unknown) => void;
  readonly observer?: ServerObserver;
  /** A test has shorter ones. */
  readonly limits?: ServerLimits;
}

/** In milliseconds. */
export interface ServerLimits extends ConnectionLimits {
  readonly handshakeMs: number;
  /** Of any connection, so that clients spread over new bridges. */
  readonly lifeMs: number;
  /** How often the limits are looked at. */
  readonly lookMs: number;
}

/** What is measured of the server. */
export interface ServerObserver {
  /** `ok`, or the code of the error. */
  answered(result: 'ok' | CryptoErrorCode): void;
  connected(clientCertificateEndsAt: Date): void;
}

const limitsDefault: ServerLimits = { handshakeMs: 5_000, requestMs: 10_000, answerMs: 10_000, idleMs: 120_000, lingerMs: 2_000, lifeMs: 300_000, lookMs: 250 };
const prefix = '/v1/';
const deadlineDefaultMs = 5_000;
const deadlineMaxMs = 60_000;
/** Batches in memory at a time: their frames are large. */
const batchesMax = 32;

export class BridgeServer {
  readonly #options: BridgeServerOptions;
  readonly #limits: ServerLimits;
  readonly #server: Server;
  readonly #connections = new Set<HttpConnection>();
  readonly #deadlines = new Deadlines();
  #certificates: ServerCertificates;
  #look: NodeJS.Timeout | undefined;
  #batches = 0;

  constructor(options: BridgeServerOptions) {
    this.#options = options;
    this.#limits = options.limits ?? limitsDefault;
    this.#certificates = options.certificates;
    const { handshakeMs: handshakeTimeout } = this.#limits;
    this.#server = createServer({ ...tlsOptions(options.certificates), requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['http/1.1'], handshakeTimeout, noDelay: true });
    this.#server.on('secureConnection', (socket) => this.#connected(socket));
    this.#server.on('tlsClientError', (_, socket) => socket.destroy());
  }

  listen(): Promise<number> {
    const { host, port } = this.#options;
    this.#look = setInterval(() => this.#enforceLimits(), this.#limits.lookMs).unref();
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** For new connections. Those that are open end by themselves within minutes, and at once when other authorities vouch for clients now. */
  useCertificates(certificates: ServerCertificates): void {
    this.#server.setSecureContext(tlsOptions(certificates));
    if (certificates.clientAuthority !== this.#certificates.clientAuthority) for (const connection of this.#connections) connection.leave();
    this.#certificates = certificates;
  }

  /** Finishes what runs, answers no new connection. */
  async drain(withinMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.leave();
    const hurry = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, withinMs);
    await closed;
    clearTimeout(hurry);
    clearInterval(this.#look);
  }

  #enforceLimits(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.enforceLimits(now);
  }

  #connected(socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate();
    if (!socket.authorized || certificate === undefined || !this.#server.listening) {
      socket.destroy();
      return;
    }
    this.#options.observer?.connected(certificate.validToDate);
    const callerClass = callerClassOf(certificate.subjectAltName);
    const lifeMs = Math.min(this.#limits.lifeMs * (1 + Math.random() / 5), certificate.validToDate.getTime() - Date.now());
    const connection: HttpConnection = new HttpConnection(socket, {
      limits: this.#limits,
      endsAt: performance.now() + lifeMs,
      admit: (head, take) => this.#admit(head, callerClass, connection, take),
      refuse: (error) => this.#refusal(error),
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  /** @throws CryptoError */
  #admit({ method, path, contentLength, deadline }: RequestHead, callerClass: CallerClass | undefined, connection: HttpConnection, take: () => Exchange): Admission {
    const name = path.startsWith(prefix) ? path.slice(prefix.length) : '';
    if (method !== 'POST' || !isOperation(name)) throw new CryptoError('invalid-request', 'unknown operation');
    demandClass(name, callerClass);
    if (contentLength === undefined || contentLength > frameBytesLimit(name)) throw new CryptoError('invalid-request', 'the body needs a content-length within bounds');
    const deadlineAt = performance.now() + budgetMs(deadline);
    const begin = (body: Buffer, work: Promise<Buffer>) => this.#run(connection, take(), { deadlineAt, body, work });
    if (name !== 'batch') return { bodyBytes: contentLength, begin: (body) => begin(body, call(this.#options.hsm, name, body, deadlineAt)) };
    return this.#admitBatch(contentLength, (body) => {
      const { hsm, onFault } = this.#options;
      const work = runBatch(hsm, body, { deadlineAt, callerClass, onFault });
      begin(body, work);
      return work;
    });
  }

  /** @throws CryptoError busy */
  #admitBatch(bodyBytes: number, run: (body: Buffer) => Promise<unknown>): Admission {
    if (this.#batches >= batchesMax) throw new CryptoError('busy', 'too many batches at a time');
    this.#batches++;
    const done = () => void this.#batches--;
    return { bodyBytes, begin: (body) => void run(body).then(done, done), abandon: done };
  }

  #run(connection: HttpConnection, exchange: Exchange, { deadlineAt, body, work }: { deadlineAt: number; body: Buffer; work: Promise<Buffer> }): void {
    let answered = false;
    const answer = (given: Answer) => {
      answered = true;
      connection.answer(exchange, given);
    };
    const item = { deadlineAt, expire: () => answer(this.#refusal(new CryptoError('timeout', 'the deadline passed'))) };
    this.#deadlines.add(item);
    const settle = () => {
      this.#deadlines.remove(item);
      body.fill(0);
    };
    work.then(
      (frame) => {
        settle();
        if (answered) return void frame.fill(0);
        this.#options.observer?.answered('ok');
        answer({ status: 200, body: frame });
      },
      (error) => {
        settle();
        if (!answered) answer(this.#refusal(error));
      },
    );
  }

  #refusal(error: unknown): Answer {
    const known = error instanceof CryptoError ? error : new CryptoError('internal', 'the bridge failed');
    if (known.code === 'internal') this.#options.onFault(error);
    this.#options.observer?.answered(known.code);
    return { status: bridgeErrorStatus[known.code], body: Buffer.from(JSON.stringify({ code: known.code, message: known.message.slice(0, 500) }), 'utf8') };
  }
}

/**
 * No tickets: a resumed session is not held to the certificates of its first handshake again, so it would outlive their end and a change of authority.
 * OpenSSL then issues tickets that only a session store could redeem, and there is none.
 */
const tlsOptions = ({ certificate: cert, key, clientAuthority: ca }: ServerCertificates) =>
  ({ cert, key, ca, minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET }) as const;

function budgetMs(header: string | undefined): number {
  if (header === undefined) return deadlineDefaultMs;
  const value = Number(header);
  if (!Number.isInteger(value) || value < 1) throw new CryptoError('invalid-request', `${deadlineHeader} must be a whole number of milliseconds`);
  return Math.min(value, deadlineMaxMs);
}
