/**
 * What travels between the bridge and its clients: HTTP/1.1 POST /v1/<operation> over mTLS, with one binary frame each way.
 *
 *   frame = u8 format (1) | u32be head length | head (UTF-8 JSON object) | byte fields, concatenated
 *
 * Top-level Uint8Array members are byte fields: the head lists them, in order, as `$bytes: [[name, length], ...]`. Everything else is JSON.
 * Secrets travel only as byte fields, so that no immutable string ever holds one (docs/adr/0005).
 */
import * as z from 'zod';
import type { BridgeOperationName } from '#shared/bridge-messages.ts';
import { cryptoErrorCodes } from '#shared/ports/crypto.ts';

/** From the URI SAN of the client certificate: `spiffe://chatelaine/<class>`. A reader may only check seals and see public keys. */
export const callerClasses = ['reader', 'crypto', 'lifecycle', 'rotation', 'audit', 'admin'] as const;
export type CallerClass = (typeof callerClasses)[number];

export const frameBytesMax = 64 * 1024;
/** A batch carries up to 100 calls with their keys: 100 of the longest RSA_4096 verifications fit. */
export const batchFrameBytesMax = 2 * 1024 * 1024;
export const batchCallsMax = 100;
export const frameBytesLimit = (operation: BridgeOperationName): number => (operation === 'batch' ? batchFrameBytesMax : frameBytesMax);
/** Remaining budget of the caller in milliseconds. */
export const deadlineHeader = 'x-deadline-ms';

/** Body of every answer that is not 200. */
export const bridgeErrorSchema = z.object({ code: z.enum(cryptoErrorCodes), message: z.string().max(500) });

/** HTTP status of each error code. 503 answers carry Retry-After. */
export const bridgeErrorStatus = {
  'invalid-ciphertext': 422,
  'material-refused': 409,
  'invalid-import-token': 422,
  'incorrect-key-material': 422,
  'invalid-request': 400,
  unsupported: 501,
  forbidden: 403,
  busy: 503,
  timeout: 504,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<(typeof cryptoErrorCodes)[number], number>;

const headerBytes = 5;

/** Members whose value is undefined are left out. */
export function encodeFrame(message: Readonly<Record<string, unknown>>): Buffer {
  const head: Record<string, unknown> = {};
  const fields: Uint8Array[] = [];
  const index: [string, number][] = [];
  for (const [name, value] of Object.entries(message)) {
    if (value instanceof Uint8Array) {
      index.push([name, value.length]);
      fields.push(value);
    } else if (value !== undefined) head[name] = value;
  }
  if (index.length > 0) head.$bytes = index;
  const json = JSON.stringify(head);
  const jsonBytes = Buffer.byteLength(json);
  let length = headerBytes + jsonBytes;
  for (const field of fields) length += field.length;
  // Not allocUnsafe: the pool is shared and this buffer may hold secrets that the owner wipes. Every byte is written below.
  const frame = Buffer.allocUnsafeSlow(length);
  frame[0] = 1;
  frame.writeUInt32BE(jsonBytes, 1);
  frame.write(json, headerBytes);
  let at = headerBytes + jsonBytes;
  for (const field of fields) {
    frame.set(field, at);
    at += field.length;
  }
  return frame;
}

/**
 * The byte fields of the result are views into `frame`: wiping the frame wipes them.
 * @throws Error when the frame is not exactly one well-formed message.
 */
export function decodeFrame(frame: Uint8Array): Record<string, unknown> {
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.length < headerBytes || view[0] !== 1) throw new Error('not a frame of format 1');
  const bodyAt = headerBytes + view.readUInt32BE(1);
  if (bodyAt > view.length) throw new Error('the head is longer than the frame');
  const head: unknown = JSON.parse(view.toString('utf8', headerBytes, bodyAt));
  if (typeof head !== 'object' || head === null || Array.isArray(head)) throw new Error('the head is not an object');
  const { $bytes: index = [], ...message } = head as { $bytes?: unknown } & Record<string, unknown>;
  if (!Array.isArray(index)) throw new Error('the byte index is not a list');
  let at = bodyAt;
  for (const entry of index) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || !Number.isInteger(entry[1]) || entry[1] < 0) throw new Error('the byte index is malformed');
    const [name, length] = entry as [string, number];
    if (at + length > view.length || Object.hasOwn(message, name)) throw new Error('the byte index does not fit the frame');
    Object.defineProperty(message, name, { value: view.subarray(at, at + length), enumerable: true });
    at += length;
  }
  if (at !== view.length) throw new Error('the frame has bytes left over');
  return message;
}
