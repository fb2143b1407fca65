/**
 * One TLS connection that speaks the little HTTP/1.1 the bridge speaks: one request at a time, answers with a content-length. Half the CPU of
 * node:https and a tenth of undici's size in a bundle (docs/adr/0015). Strict: anything unexpected ends the connection.
 */
import { connect, type SecureContext, type TLSSocket } from 'node:tls';

export interface HttpReply {
  readonly status: number;
  readonly body: Buffer;
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly servername: string;
  readonly secureContext: SecureContext;
}

interface Exchange {
  readonly resolve: (reply: HttpReply) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
  readonly replyBytesMax: number;
}

interface PartialReply extends HttpReply {
  readonly keepAlive: boolean;
  got: number;
}

/** The answer did not come in time. */
export class AnswerLate extends Error {}
/** What came is not an answer of a bridge. */
export class AnswerMalformed extends Error {}

const headBytesMax = 8 * 1024;
const headEnd = Buffer.from('\r\n\r\n');
const tcpKeepAliveMs = 60_000;
const none = Buffer.alloc(0);

export class Connection {
  readonly #socket: TLSSocket;
  #exchange: Exchange | undefined;
  /** What came of the head so far. */
  #head: Buffer = none;
  #reply: PartialReply | undefined;
  #failure: Error | undefined;
  #open = true;
  idleSince = 0;

  constructor(options: ConnectOptions, onClosed: (connection: Connection) => void) {
    this.#socket = connect({ ...options, ALPNProtocols: ['http/1.1'] });
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, tcpKeepAliveMs);
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('end', () => this.close());
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => {
      this.#end(this.#failure ?? new Error('the connection was closed'));
      onClosed(this);
    });
  }

  /** False as soon as the next request must go elsewhere. */
  get usable(): boolean {
    return this.#open && this.#exchange === undefined;
  }

  /** @param request head and body. It is not kept. */
  send(request: Buffer, withinMs: number, replyBytesMax: number): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      if (!this.usable) {
        reject(this.#failure ?? new Error('the connection is closed'));
        return;
      }
      const timer = setTimeout(() => this.#end(new AnswerLate('no answer in time')), withinMs);
      this.#exchange = { resolve, reject, timer, replyBytesMax };
      this.#socket.ref();
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#end(new Error('the connection was closed'));
  }

  #receive(chunk: Buffer): void {
    try {
      if (this.#exchange === undefined) throw new AnswerMalformed('bytes without a request');
      const body = this.#reply === undefined ? this.#readHead(chunk) : chunk;
      const reply = this.#reply;
      if (reply === undefined || body === undefined) return;
      if (reply.got + body.length > reply.body.length) throw new AnswerMalformed('the answer is longer than it said');
      body.copy(reply.body, reply.got);
      reply.got += body.length;
      if (reply.got === reply.body.length) this.#finish(reply);
    } catch (error) {
      this.#end(error as Error);
    } finally {
      chunk.fill(0);
    }
  }

  /** @returns what follows the head, once it is whole. */
  #readHead(chunk: Buffer): Buffer | undefined {
    const seen = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = seen.indexOf(headEnd);
    if (end < 0) {
      if (seen.length > headBytesMax) throw new AnswerMalformed('the head is too long');
      this.#head = Buffer.from(seen);
      return undefined;
    }
    this.#head = none;
    const head = seen.toString('latin1', 0, end).toLowerCase();
    const status = /^http\/1\.1 (\d{3}) /.exec(head)?.[1];
    const length = /\r\ncontent-length: (\d{1,9})(?:\r\n|$)/.exec(head)?.[1];
    if (status === undefined || length === undefined || head.includes('\r\ntransfer-encoding:')) throw new AnswerMalformed('not an answer of the bridge');
    if (Number(length) > (this.#exchange?.replyBytesMax ?? 0)) throw new AnswerMalformed('the answer is too long');
    this.#reply = { status: Number(status), body: Buffer.alloc(Number(length)), got: 0, keepAlive: !head.includes('\r\nconnection: close') };
    return seen.subarray(end + headEnd.length);
  }

  #finish({ status, body, keepAlive }: PartialReply): void {
    const exchange = this.#exchange as Exchange;
    clearTimeout(exchange.timer);
    this.#exchange = undefined;
    this.#reply = undefined;
    this.#socket.unref();
    if (!keepAlive) this.close();
    exchange.resolve({ status, body });
  }

  #end(error: Error): void {
    this.#open = false;
    this.#failure ??= error;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#reply?.body.fill(0);
    this.#reply = undefined;
    this.#socket.destroy();
    if (exchange === undefined) return;
    clearTimeout(exchange.timer);
    exchange.reject(error);
  }
}
