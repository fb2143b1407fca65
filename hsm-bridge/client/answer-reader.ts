/** Cuts what comes over a connection into the bridge's answers, strictly: status line, content-length, body. */

export interface HttpReply {
  readonly status: number;
  readonly body: Buffer;
}

/** What came is not an answer of a bridge. */
export class AnswerMalformed extends Error {}

export interface AnswerEvents {
  /** An answer is beginning. @returns how long its body may be. @throws AnswerMalformed when none is due. */
  expected(): number;
  /** @param last the bridge looks at nothing that came after its request. */
  answered(reply: HttpReply, last: boolean): void;
}

interface PartialReply extends HttpReply {
  readonly last: boolean;
  got: number;
}

interface AnswerHead {
  readonly status: number;
  readonly length: number;
  readonly last: boolean;
}

const headBytesMax = 8 * 1024;
const headEnd = Buffer.from('\r\n\r\n');
const none = Buffer.alloc(0);

export class AnswerReader {
  readonly #events: AnswerEvents;
  /** What came of the head so far. */
  #head: Buffer = none;
  #reply: PartialReply | undefined;
  /** Answers to like requests have like heads. */
  #lastText = '';
  #lastHead: AnswerHead | undefined;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  /** Copies what it keeps. @throws AnswerMalformed */
  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at = this.#reply === undefined ? this.#readHead(chunk, at) : this.#readBody(this.#reply, chunk, at);
  }

  /** The connection is gone. */
  stop(): void {
    this.#reply?.body.fill(0);
    this.#reply = undefined;
  }

  #readHead(chunk: Buffer, at: number): number {
    const had = this.#head.length;
    const bytesMax = this.#events.expected();
    const seen = had === 0 ? chunk.subarray(at) : Buffer.concat([this.#head, chunk.subarray(at, at + headBytesMax)]);
    const end = seen.indexOf(headEnd);
    if (end < 0) {
      if (seen.length > headBytesMax) throw new AnswerMalformed('the head is too long');
      this.#head = Buffer.from(seen);
      return chunk.length;
    }
    const { status, length, last } = this.#parse(seen.toString('latin1', 0, end));
    if (had > 0) seen.fill(0);
    this.#head = none;
    if (length > bytesMax) throw new AnswerMalformed('the answer is too long');
    this.#reply = { status, body: Buffer.allocUnsafeSlow(length), got: 0, last };
    return this.#readBody(this.#reply, chunk, at + end + headEnd.length - had);
  }

  #readBody(reply: PartialReply, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + reply.body.length - reply.got);
    chunk.copy(reply.body, reply.got, at, end);
    reply.got += end - at;
    if (reply.got < reply.body.length) return end;
    this.#reply = undefined;
    this.#events.answered({ status: reply.status, body: reply.body }, reply.last);
    return end;
  }

  #parse(text: string): AnswerHead {
    if (this.#lastHead !== undefined && text === this.#lastText) return this.#lastHead;
    const head = text.toLowerCase();
    const status = /^http\/1\.1 (\d{3}) /.exec(head)?.[1];
    const length = /\r\ncontent-length: (\d{1,9})(?:\r\n|$)/.exec(head)?.[1];
    if (status === undefined || length === undefined || head.includes('\r\ntransfer-encoding:')) throw new AnswerMalformed('not an answer of the bridge');
    this.#lastText = text;
    this.#lastHead = { status: Number(status), length: Number(length), last: head.includes('\r\nconnection: close') };
    return this.#lastHead;
  }
}
