/**
 * One connection of a client, in HTTP/1.1 with keep-alive and pipelining: requests are begun as they come and answered in their order (RFC 9112 section
 * 9.3.2), and the answers of one turn of the event loop go out in one write. What a client can hold on to is bounded in number, in bytes and in time.
 */
import { STATUS_CODES } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { RequestHead } from './request-head.ts';
import { type Admission, RequestReader } from './request-reader.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** The place of a request in the order of answers. */
export interface Exchange {
  answer: Answer | undefined;
}

export interface HttpConnectionOptions {
  readonly limits: ConnectionLimits;
  /** performance.now() time at which it must end. */
  readonly endsAt: number;
  /** Before the body is read. @throws what `refuse` makes an answer of; the connection ends with it. */
  readonly admit: (head: RequestHead, take: () => Exchange) => Admission;
  readonly refuse: (error: unknown) => Answer;
  readonly onClosed: () => void;
}

/** In milliseconds. */
export interface ConnectionLimits {
  /** From the first byte of a request to its last. */
  readonly requestMs: number;
  /** Until the client has taken an answer. */
  readonly answerMs: number;
  /** Without a request. */
  readonly idleMs: number;
  /** For the client to read the last answer and close. */
  readonly lingerMs: number;
}

/** Requests in progress on one connection; while there are so many, no further one is read. */
const exchangesMax = 64;
const retryAfterSeconds = 1;

export class HttpConnection {
  readonly #socket: TLSSocket;
  readonly #options: HttpConnectionOptions;
  readonly #reader: RequestReader;
  /** In the order of the requests. */
  readonly #exchanges: Exchange[] = [];
  /** When each write began that the client has not taken. */
  readonly #writes: number[] = [];
  /** Came while too much was in progress. */
  #rest: Buffer[] = [];
  /** A request that has begun is the last one. */
  #leaving = false;
  /** Nothing that comes is looked at. */
  #deaf = false;
  #flushing = false;
  #midwaySince: number | undefined;
  #endedAt: number | undefined;
  #idleSince = performance.now();

  constructor(socket: TLSSocket, options: HttpConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new RequestReader((head) => {
      if (head.close) this.#leaving = true;
      return options.admit(head, () => this.#take());
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#readOn());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#forget());
  }

  /** Takes no further request; what was taken is answered. */
  leave(): void {
    this.#leaving = true;
    this.#endIfDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** To be called now and then. */
  enforceLimits(now: number): void {
    const { limits, endsAt } = this.#options;
    const over = (since: number | undefined, ms: number): boolean => since !== undefined && now - since > ms;
    if (over(this.#midwaySince, limits.requestMs) || over(this.#writes[0], limits.answerMs) || over(this.#endedAt, limits.lingerMs)) this.destroy();
    else if (now > endsAt || (this.#exchanges.length === 0 && !this.#reader.midway && over(this.#idleSince, limits.idleMs))) this.leave();
  }

  answer(exchange: Exchange, answer: Answer): void {
    if (this.#socket.destroyed) {
      answer.body.fill(0);
      return;
    }
    exchange.answer = answer;
    if (this.#exchanges[0] !== exchange || this.#flushing) return;
    if (this.#exchanges.length === 1) {
      // Nothing to wait for.
      this.#flush();
      return;
    }
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#rest.length > 0) this.#rest.push(chunk);
    else this.#read(chunk);
  }

  #read(chunk: Buffer): void {
    let at = 0;
    try {
      while (at < chunk.length && !this.#deaf) {
        if (!this.#reader.midway && this.#leaving) this.#deaf = true;
        else if (!this.#reader.midway && this.#crowded) {
          this.#rest.unshift(chunk.subarray(at));
          this.#socket.pause();
          return;
        } else at = this.#reader.read(chunk, at);
      }
      this.#midwaySince = this.#reader.midway ? (this.#midwaySince ?? performance.now()) : undefined;
    } catch (error) {
      this.#deaf = true;
      this.#leaving = true;
      this.#reader.stop();
      this.answer(this.#take(), this.#options.refuse(error));
    }
    if (this.#deaf) chunk.fill(0, at);
  }

  get #crowded(): boolean {
    return this.#exchanges.length >= exchangesMax || this.#socket.writableNeedDrain;
  }

  #readOn(): void {
    if (this.#rest.length === 0 || this.#crowded) return;
    this.#socket.resume();
    for (const chunk of this.#rest.splice(0)) this.#receive(chunk);
  }

  #take(): Exchange {
    const exchange: Exchange = { answer: undefined };
    this.#exchanges.push(exchange);
    this.#midwaySince = undefined;
    return exchange;
  }

  #flush(): void {
    const parts: { readonly head: string; readonly body: Buffer }[] = [];
    let length = 0;
    for (let answer = this.#exchanges[0]?.answer; answer !== undefined; answer = this.#exchanges[0]?.answer) {
      this.#exchanges.shift();
      const head = answerHead(answer, this.#done);
      parts.push({ head, body: answer.body });
      length += head.length + answer.body.length;
    }
    if (length === 0) return;
    const bytes = Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (const { head, body } of parts) {
      at += bytes.write(head, at, 'latin1');
      bytes.set(body, at);
      at += body.length;
      body.fill(0);
    }
    this.#write(bytes);
    this.#endIfDone();
    this.#readOn();
  }

  #write(bytes: Buffer): void {
    this.#idleSince = performance.now();
    this.#writes.push(this.#idleSince);
    this.#socket.write(bytes, () => {
      this.#writes.shift();
      bytes.fill(0);
    });
  }

  get #done(): boolean {
    return this.#leaving && this.#exchanges.length === 0 && !this.#reader.midway;
  }

  #endIfDone(): void {
    if (!this.#done || this.#endedAt !== undefined) return;
    this.#endedAt = performance.now();
    this.#deaf = true;
    this.#socket.end();
    // What the client may still send is read and dropped, because a reset could overtake the answer.
    this.#readOn();
    this.#socket.resume();
  }

  #forget(): void {
    for (const { answer } of this.#exchanges.splice(0)) answer?.body.fill(0);
    for (const chunk of this.#rest.splice(0)) chunk.fill(0);
    this.#reader.stop();
    this.#options.onClosed();
  }
}

function answerHead({ status, body }: Answer, last: boolean): string {
  const type = status === 200 ? 'application/octet-stream' : 'application/json';
  const retry = status === 503 ? `retry-after: ${retryAfterSeconds}\r\n` : '';
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n${retry}${last ? 'connection: close\r\n' : ''}\r\n`;
}
