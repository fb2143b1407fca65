/**
 * The messages of the bridge operation `batch`: several calls in one frame, each with its own answer.
 *
 *   request  { keys: [handle, …], calls: [{ operation, message }, …], "<at>.<member>": bytes, … }
 *   reply    { results: [{ …members } | { $error: { code, message } }, …], "<at>.<member>": bytes, … }
 *
 * A message names its keys by their place in `keys`, so that a hundred calls with one key carry its material once.
 */
import type { BridgeOperationName, BridgeRequest } from '#shared/bridge-messages.ts';
import { bridgeErrorSchema } from '#shared/bridge-protocol.ts';
import { CryptoError, type KeyHandle } from '#shared/ports/crypto.ts';

/** Uses of keys. Making keys, seals and audit signatures are not in it. */
export const batchableOperations = [
  'encrypt',
  'decrypt',
  're-encrypt',
  'generate-data-key',
  'sign',
  'verify',
  'generate-mac',
  'verify-mac',
  'get-public-key',
] as const satisfies readonly BridgeOperationName[];
export type BatchableOperation = (typeof batchableOperations)[number];

type Message = Readonly<Record<string, unknown>>;

export interface BatchedCall {
  readonly operation: BatchableOperation;
  readonly message: Message;
}

export type BatchedResult = { readonly reply: Message; readonly error?: never } | { readonly error: CryptoError };

/** @returns what encodeFrame takes. */
export function encodeBatchCalls(calls: readonly BatchedCall[]): Record<string, unknown> {
  const table = new KeyTable();
  const bytes: Record<string, Uint8Array> = {};
  const encoded = calls.map(({ operation, message }, at) => ({ operation, message: withoutBytes(message, at, bytes, (value) => withIndexes(value, table)) }));
  return { keys: table.handles, calls: encoded, ...bytes };
}

/**
 * @param envelope of the frame, checked
 * @throws CryptoError invalid-request for byte fields of no call. What is wrong with one call is for its own operation to say.
 */
export function decodeBatchCalls(frame: Message, { keys, calls }: BridgeRequest<'batch'>): { operation: string; message: Message }[] {
  const messages = calls.map(({ message }) => Object.fromEntries(Object.entries(message).map(([name, value]) => [name, withHandles(name, value, keys)])));
  giveBytes(frame, messages);
  return calls.map(({ operation }, at) => ({ operation, message: messages[at]! }));
}

export function encodeBatchResults(results: readonly BatchedResult[]): Record<string, unknown> {
  const bytes: Record<string, Uint8Array> = {};
  const encoded = results.map((result, at) =>
    result.error === undefined ? withoutBytes(result.reply, at, bytes, (value) => value) : { $error: { code: result.error.code, message: result.error.message.slice(0, 500) } },
  );
  return { results: encoded, ...bytes };
}

/** @throws Error when the reply has another count or another shape. */
export function decodeBatchResults(frame: Message, count: number): BatchedResult[] {
  const { results } = frame;
  if (!Array.isArray(results) || results.length !== count || !results.every((result) => typeof result === 'object' && result !== null))
    throw new Error('not the reply of this batch');
  const replies = results.map((result: object): Record<string, unknown> => ({ ...result }));
  giveBytes(frame, replies);
  return replies.map((reply) => {
    if (reply.$error === undefined) return { reply };
    const { code, message } = bridgeErrorSchema.parse(reply.$error);
    return { error: new CryptoError(code, message) };
  });
}

/** Keys by what they are, not by which object holds them: two rows of one key version may differ after an attack. */
class KeyTable {
  readonly handles: KeyHandle[] = [];
  readonly #places = new Map<string, number>();
  readonly #known = new WeakMap<object, { binding: KeyHandle['binding']; place: number }>();

  place(handle: KeyHandle): number {
    const known = this.#known.get(handle.material);
    if (known !== undefined && sameBinding(known.binding, handle.binding)) return known.place;
    const name = JSON.stringify(handle);
    const place = this.#places.get(name) ?? this.handles.push(handle) - 1;
    this.#places.set(name, place);
    this.#known.set(handle.material, { binding: handle.binding, place });
    return place;
  }
}

const sameBinding = (a: KeyHandle['binding'], b: KeyHandle['binding']): boolean =>
  a.version === b.version && a.keyId === b.keyId && a.account === b.account && a.region === b.region;

const isHandle = (value: unknown): value is KeyHandle => typeof value === 'object' && value !== null && 'binding' in value && 'material' in value;
const isSide = (value: unknown): value is { key: unknown } => typeof value === 'object' && value !== null && 'key' in value;

function withIndexes(value: unknown, table: KeyTable): unknown {
  if (isHandle(value)) return table.place(value);
  return isSide(value) && isHandle(value.key) ? { ...value, key: table.place(value.key) } : value;
}

function withHandles(name: string, value: unknown, keys: readonly unknown[]): unknown {
  if (name === 'key' && typeof value === 'number') return keys[value];
  return isSide(value) && typeof value.key === 'number' ? { ...value, key: keys[value.key] } : value;
}

function withoutBytes(message: Message, at: number, bytes: Record<string, Uint8Array>, change: (value: unknown) => unknown): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    if (value instanceof Uint8Array) bytes[`${at}.${name}`] = value;
    else if (value !== undefined) rest[name] = change(value);
  }
  return rest;
}

/** Hands each byte field of the frame to the message that it is of. @throws Error for a field of no message, or one that it has already. */
function giveBytes(frame: Message, messages: readonly Record<string, unknown>[]): void {
  for (const [place, value] of Object.entries(frame)) {
    if (!(value instanceof Uint8Array)) continue;
    const dot = place.indexOf('.');
    const message = messages[Number(place.slice(0, dot))];
    const name = place.slice(dot + 1);
    if (dot < 1 || message === undefined || Object.hasOwn(message, name) || name === '__proto__')
      throw new CryptoError('invalid-request', 'a byte field of the batch belongs to no call');
    message[name] = value;
  }
}
