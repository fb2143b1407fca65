/** Frames of single operations into checked requests. The same key is used again and again, and its row is nine tenths of a frame's head: heads are remembered. */
import type * as z from 'zod';
import { batchableOperations } from '#shared/bridge-batch.ts';
import { type BridgeOperationName, bridgeOperations } from '#shared/bridge-messages.ts';
import { decodeFrame } from '#shared/bridge-protocol.ts';
import { CryptoError } from '#shared/ports/crypto.ts';

interface KnownHead {
  readonly operation: BridgeOperationName;
  /** The checked request but for its byte fields, frozen: many calls share it. */
  readonly rest: Readonly<Record<string, unknown>>;
  /** Names and lengths, in order. The head holds them, and lengths are all that is checked of byte fields. */
  readonly index: readonly (readonly [string, number])[];
  readonly headBytes: number;
  readonly frameBytes: number;
}

const prefixBytes = 5;
/** Together they bound what is remembered to 8 MB of text. */
const headsMax = 2_000;
const headBytesMax = 4 * 1024;

/** Uses of a key. The heads of others do not come twice. */
const remembered: ReadonlySet<BridgeOperationName> = new Set(batchableOperations);

export class Requests {
  readonly #known = new Map<string, KnownHead>();

  /** Byte fields are views into the frame. @throws CryptoError invalid-request */
  parse(operation: BridgeOperationName, frame: Buffer): unknown {
    const text = remembered.has(operation) ? headText(frame) : undefined;
    const known = text === undefined ? undefined : this.#known.get(text);
    if (known?.operation === operation && known.frameBytes === frame.length && known.headBytes === frame.readUInt32BE(1)) return withBytes(known, frame);
    const request = requestOf(bridgeOperations[operation], decode(frame));
    if (text !== undefined) this.#remember(text, operation, request as Record<string, unknown>, frame);
    return request;
  }

  #remember(text: string, operation: BridgeOperationName, request: Readonly<Record<string, unknown>>, frame: Buffer): void {
    const { $bytes: index = [] } = JSON.parse(text) as { $bytes?: [string, number][] };
    const rest = Object.fromEntries(Object.entries(request).filter(([, value]) => !(value instanceof Uint8Array)));
    this.#known.set(text, { operation, rest: freeze(rest), index, headBytes: frame.readUInt32BE(1), frameBytes: frame.length });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= headsMax) return;
      this.#known.delete(oldest);
    }
  }
}

function decode(frame: Buffer): Record<string, unknown> {
  try {
    return decodeFrame(frame);
  } catch (error) {
    throw new CryptoError('invalid-request', 'the body is not a frame', { cause: error });
  }
}

/** @throws CryptoError invalid-request */
export function requestOf(operation: { readonly request: z.ZodType }, message: unknown): unknown {
  const parsed = operation.request.safeParse(message);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CryptoError('invalid-request', `${issue?.path.join('.').slice(0, 100)}: ${issue?.message.slice(0, 200)}`);
}

/** Undefined where there is nothing to remember. */
function headText(frame: Buffer): string | undefined {
  if (frame.length < prefixBytes || frame[0] !== 1) return undefined;
  const length = frame.readUInt32BE(1);
  return length <= headBytesMax && prefixBytes + length <= frame.length ? frame.toString('utf8', prefixBytes, prefixBytes + length) : undefined;
}

/** What decodeFrame and the operation's schema would make of the frame: its head and its length are those of a frame that they took. */
function withBytes({ rest, index, headBytes }: KnownHead, frame: Buffer): Record<string, unknown> {
  const request: Record<string, unknown> = { ...rest };
  let at = prefixBytes + headBytes;
  for (const [name, length] of index) {
    request[name] = frame.subarray(at, at + length);
    at += length;
  }
  return request;
}

function freeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) freeze(member);
  return Object.freeze(value);
}
