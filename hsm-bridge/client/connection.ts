/**
 * One TLS connection that speaks the little HTTP/1.1 the bridge speaks. Requests may follow one another before the first is answered (RFC 9112 section
 * 9.3.2), and those of one turn of the event loop go out in one write (docs/adr/0037). Strict: anything unexpected ends the connection.
 */
import type { OnReadOpts } from 'node:net';
import { type ConnectionOptions, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { AnswerMalformed, AnswerReader, type HttpReply } from './answer-reader.ts';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly servername: string;
  readonly secureContext: SecureContext;
  /** For TCP and TLS together. */
  readonly connectWithinMs: number;
}

export interface ConnectionEvents {
  /** A request was answered. */
  freed(): void;
  closed(): void;
}

interface Exchange {
  /** Undefined when nobody waits for the answer any more. */
  waiting: { resolve(reply: HttpReply): void; reject(error: Error): void } | undefined;
  readonly timer: NodeJS.Timeout;
  readonly replyBytesMax: number;
}

/** The answer did not come in time. */
export class AnswerLate extends Error {}
/** The bridge did not look at the request: it had said that it looks at no further one on this connection, or the connection never came about. */
export class NotTaken extends Error {}

const tcpKeepAliveMs = 60_000;
/** As much as comes out of one TLS record. */
const readBytes = 16 * 1024;

export class Connection {
  readonly #socket: TLSSocket;
  readonly #events: ConnectionEvents;
  /** In the order of the requests. */
  readonly #exchanges: Exchange[] = [];
  readonly #reader: AnswerReader;
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  /** Bytes that are not yet with the operating system. */
  #writes = 0;
  #failure: Error | undefined;
  /** Until the connection is there. */
  #connecting: NodeJS.Timeout | undefined;
  #open = true;
  readonly openedAt = performance.now();
  idleSince = this.openedAt;
  /** Reserved for one request that others must not wait behind. */
  alone = false;

  constructor(options: ConnectOptions, events: ConnectionEvents) {
    this.#events = events;
    this.#reader = new AnswerReader({ expected: () => this.#due().replyBytesMax, answered: (reply, last) => this.#finish(reply, last) });
    // One buffer for all that comes, outside the machinery of streams. The option is documented, and missing from the type.
    const onread: OnReadOpts = { buffer: Buffer.allocUnsafeSlow(readBytes), callback: (length, bytes) => this.#receive(bytes as Buffer, length) };
    const { connectWithinMs, ...target } = options;
    const tls: ConnectionOptions & { onread: OnReadOpts } = { ...target, ALPNProtocols: ['http/1.1'], onread };
    this.#socket = connect(tls);
    this.#connecting = setTimeout(() => this.#end(new Error('no connection in time')), connectWithinMs).unref();
    this.#socket.once('secureConnect', () => this.#connected());
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, tcpKeepAliveMs);
    this.#socket.on('end', () => this.close());
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => {
      this.#end(this.#failure ?? new Error('the connection was closed'));
      events.closed();
    });
  }

  /** False as soon as the next request must go elsewhere. */
  get open(): boolean {
    return this.#open;
  }

  /** Requests without an answer. */
  get load(): number {
    return this.#exchanges.length;
  }

  /** @param request head and body. It is wiped as soon as it is sent. */
  send(request: Buffer, withinMs: number, replyBytesMax: number): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      if (!this.#open) {
        reject(this.#failure ?? new Error('the connection is closed'));
        return;
      }
      const exchange: Exchange = { waiting: { resolve, reject }, timer: setTimeout(() => this.#late(exchange), withinMs), replyBytesMax };
      this.#exchanges.push(exchange);
      if (this.#exchanges.length === 1) this.#socket.ref();
      this.#unsent.push(request);
      this.#unsentBytes += request.length;
      // One that is alone gains nothing by waiting for others.
      if (this.#exchanges.length === 1) this.#flush();
      else if (this.#unsent.length === 1) setImmediate(() => this.#flush());
    });
  }

  close(): void {
    this.#end(new Error('the connection was closed'));
  }

  #connected(): void {
    clearTimeout(this.#connecting);
    this.#connecting = undefined;
  }

  #flush(): void {
    const requests = this.#unsent;
    const [first] = requests;
    if (first === undefined) return;
    let bytes = first;
    if (requests.length > 1) {
      bytes = Buffer.allocUnsafeSlow(this.#unsentBytes);
      let at = 0;
      for (const request of requests) {
        bytes.set(request, at);
        at += request.length;
        request.fill(0);
      }
    }
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#writes++;
    this.#socket.write(bytes, () => {
      this.#writes--;
      bytes.fill(0);
    });
  }

  #receive(bytes: Buffer, length: number): boolean {
    try {
      this.#reader.read(bytes.subarray(0, length));
    } catch (error) {
      this.#end(error as Error);
    }
    bytes.fill(0, 0, length);
    return true;
  }

  #due(): Exchange {
    const [exchange] = this.#exchanges;
    if (exchange === undefined) throw new AnswerMalformed('bytes without a request');
    return exchange;
  }

  #finish(reply: HttpReply, last: boolean): void {
    const exchange = this.#exchanges.shift() as Exchange;
    clearTimeout(exchange.timer);
    if (exchange.waiting === undefined) reply.body.fill(0);
    else exchange.waiting.resolve(reply);
    if (this.#exchanges.length === 0) {
      this.#socket.unref();
      this.idleSince = performance.now();
    }
    if (!this.#open && this.#deserted) this.close();
    if (last) this.#end(new NotTaken('the bridge takes no further request on this connection'));
    this.#events.freed();
  }

  /** The others may still be answered, but no request is put behind this one. */
  #late(exchange: Exchange): void {
    const { waiting } = exchange;
    exchange.waiting = undefined;
    this.#open = false;
    waiting?.reject(new AnswerLate('no answer in time'));
    const stuck = this.#writes > 0 || this.#unsent.length > 0;
    if (stuck || this.#deserted) this.close();
  }

  get #deserted(): boolean {
    return this.#exchanges.every(({ waiting }) => waiting === undefined);
  }

  #end(cause: Error): void {
    // What was given to it is not sent before TLS is there.
    const error = this.#connecting === undefined ? cause : new NotTaken('there was no connection to the bridge', { cause });
    this.#connected();
    this.#open = false;
    this.#failure ??= error;
    this.#reader.stop();
    for (const request of this.#unsent.splice(0)) request.fill(0);
    this.#socket.destroy();
    for (const { waiting, timer } of this.#exchanges.splice(0)) {
      clearTimeout(timer);
      waiting?.reject(error);
    }
  }
}
