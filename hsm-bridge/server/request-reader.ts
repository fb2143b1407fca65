/** Cuts what comes over a connection into requests. Keeps no byte of a body longer than it must: bodies hold secrets. */
import { CryptoError } from '#shared/ports/crypto.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';

/** A request that may come: what its body is for. */
export interface Admission {
  readonly bodyBytes: number;
  /** The body, whole. */
  begin(body: Buffer): void;
  /** It never came. */
  abandon?(): void;
}

interface PartialBody {
  readonly admission: Admission;
  readonly bytes: Buffer;
  got: number;
}

const headBytesMax = 8 * 1024;
const headEnd = Buffer.from('\r\n\r\n', 'latin1');
const none = Buffer.alloc(0);

export class RequestReader {
  readonly #admit: (head: RequestHead) => Admission;
  /** What came of a head so far. */
  #head: Buffer = none;
  #body: PartialBody | undefined;
  /** The last head that was read: the heads of one client are mostly alike. */
  #last: { readonly text: string; readonly head: RequestHead } | undefined;

  /** @param admit looks at a head before its body is read, and throws to refuse it. */
  constructor(admit: (head: RequestHead) => Admission) {
    this.#admit = admit;
  }

  /** A request has begun and not ended. */
  get midway(): boolean {
    return this.#body !== undefined || this.#head.length > 0;
  }

  /** Reads on until a request ends or the chunk does. @returns where it stopped. @throws CryptoError, or what `admit` throws; nothing can be read after that. */
  read(chunk: Buffer, at: number): number {
    return this.#body === undefined ? this.#readHead(chunk, at) : this.#readBody(this.#body, chunk, at);
  }

  /** The connection is gone, or does not read on. */
  stop(): void {
    this.#body?.bytes.fill(0);
    this.#body?.admission.abandon?.();
    this.#body = undefined;
    this.#head = none;
  }

  #readHead(chunk: Buffer, at: number): number {
    const had = this.#head.length;
    const seen = had === 0 ? chunk.subarray(at) : Buffer.concat([this.#head, chunk.subarray(at, at + headBytesMax)]);
    const end = seen.indexOf(headEnd);
    if (end > headBytesMax || (end < 0 && seen.length > headBytesMax)) throw new CryptoError('invalid-request', 'the head is too long');
    if (end < 0) {
      this.#head = Buffer.from(seen);
      return chunk.length;
    }
    const text = seen.toString('latin1', 0, end);
    if (had > 0) seen.fill(0);
    this.#head = none;
    return this.#open(this.#admit(this.#parse(text)), chunk, at + end + headEnd.length - had);
  }

  #parse(text: string): RequestHead {
    if (this.#last?.text !== text) this.#last = { text, head: parseRequestHead(text) };
    return this.#last.head;
  }

  #open(admission: Admission, chunk: Buffer, at: number): number {
    const end = at + admission.bodyBytes;
    if (end > chunk.length) {
      this.#body = { admission, bytes: Buffer.alloc(admission.bodyBytes), got: 0 };
      return this.#readBody(this.#body, chunk, at);
    }
    // Often the body is here at once, in memory that nobody else uses.
    admission.begin(chunk.subarray(at, end));
    return end;
  }

  #readBody(body: PartialBody, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + body.bytes.length - body.got);
    chunk.copy(body.bytes, body.got, at, end);
    chunk.fill(0, at, end);
    body.got += end - at;
    if (body.got === body.bytes.length) {
      this.#body = undefined;
      body.admission.begin(body.bytes);
    }
    return end;
  }
}
