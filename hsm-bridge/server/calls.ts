/** One call: frame in, frame out. Knows nothing of HTTP. */
import type * as z from 'zod';
import { type BridgeOperationName, bridgeOperations, type CallerClass, decodeFrame, encodeFrame } from '#shared/bridge-protocol.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import type { Hsm } from '../operations/hsm.ts';
import { operations } from '../operations/index.ts';

/** Every operation but the batch, which is made of them. */
export type SingleOperationName = Exclude<BridgeOperationName, 'batch'>;

export const isOperation = (name: string): name is BridgeOperationName => Object.hasOwn(bridgeOperations, name);

/** The allow-list inside the bridge. @throws CryptoError forbidden */
export function demandClass(operation: BridgeOperationName, callerClass: CallerClass | undefined): void {
  const classes: readonly CallerClass[] = bridgeOperations[operation].classes;
  if (callerClass === undefined || !classes.includes(callerClass)) throw new CryptoError('forbidden', `caller class ${callerClass ?? 'none'} may not call ${operation}`);
}

/** @throws CryptoError */
export async function call(hsm: Hsm, operation: SingleOperationName, body: Buffer, deadlineAt: number): Promise<Buffer> {
  const request = parseRequest(operation, body);
  const run = operations[operation] as (hsm: Hsm, request: unknown, context: { deadlineAt: number }) => Promise<Record<string, unknown>>;
  const reply = await run(hsm, request, { deadlineAt });
  const frame = encodeFrame(reply);
  wipeBytes(reply);
  return frame;
}

function parseRequest(operation: SingleOperationName, body: Buffer): unknown {
  let message: Record<string, unknown>;
  try {
    message = decodeFrame(body);
  } catch (error) {
    throw new CryptoError('invalid-request', 'the body is not a frame', { cause: error });
  }
  return requestOf(bridgeOperations[operation], message);
}

/** @throws CryptoError invalid-request */
export function requestOf(operation: { readonly request: z.ZodType }, message: unknown): unknown {
  const parsed = operation.request.safeParse(message);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CryptoError('invalid-request', `${issue?.path.join('.').slice(0, 100)}: ${issue?.message.slice(0, 200)}`);
}

export function wipeBytes(reply: Record<string, unknown>): void {
  for (const value of Object.values(reply)) if (value instanceof Uint8Array) value.fill(0);
}
