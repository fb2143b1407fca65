/** One call: frame in, frame out. Knows nothing of HTTP. */
import { type BridgeOperationName, bridgeOperations } from '#shared/bridge-messages.ts';
import { type CallerClass, encodeFrame } from '#shared/bridge-protocol.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import type { Hsm } from '../operations/hsm.ts';
import { operations } from '../operations/index.ts';
import { Requests } from './requests.ts';

const requests = new Requests();

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
  const request = requests.parse(operation, body);
  const run = operations[operation] as (hsm: Hsm, request: unknown, context: { deadlineAt: number }) => Promise<Record<string, unknown>>;
  const reply = await run(hsm, request, { deadlineAt });
  const frame = encodeFrame(reply);
  wipeBytes(reply);
  return frame;
}

export function wipeBytes(reply: Record<string, unknown>): void {
  for (const value of Object.values(reply)) if (value instanceof Uint8Array) value.fill(0);
}
