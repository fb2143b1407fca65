/** The operation `batch`: each call in it is checked, run and answered as if it had come alone. */
import { type BatchableOperation, type BatchedResult, batchableOperations, decodeBatchCalls, encodeBatchResults } from '#shared/bridge-batch.ts';
import { type BridgeRequest, bridgeOperations } from '#shared/bridge-messages.ts';
import { batchCallsMax, type CallerClass, decodeFrame, encodeFrame } from '#shared/bridge-protocol.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import type { Hsm } from '../operations/hsm.ts';
import { operations } from '../operations/index.ts';
import { demandClass, wipeBytes } from './calls.ts';
import { requestOf } from './requests.ts';

/** Calls of one batch that run at a time: enough to keep every worker busy, and never a whole batch in front of a single call. */
const window = 32;
/** Kept for the reply, so that calls which ran out of time do not cost the others their answers. */
const replyWithinMs = 100;

export interface BatchOptions {
  readonly deadlineAt: number;
  readonly callerClass: CallerClass | undefined;
  /** Unexpected faults, for the operator's log. */
  readonly onFault: (error: unknown) => void;
}

/** @throws CryptoError invalid-request when the envelope is wrong; everything else is the answer of one call. */
export async function runBatch(hsm: Hsm, body: Buffer, options: BatchOptions): Promise<Buffer> {
  const frame = decodeBody(body);
  const calls = decodeBatchCalls(frame, envelopeOf(frame));
  const results = new Array<BatchedResult>(calls.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < calls.length; at = next++) results[at] = await runOne(hsm, calls[at]!, options);
  };
  await Promise.all(Array.from({ length: Math.min(window, calls.length) }, lane));
  const message = encodeBatchResults(results);
  const reply = encodeFrame(message);
  wipeBytes(message);
  return reply;
}

async function runOne(hsm: Hsm, { operation, message }: { operation: string; message: Readonly<Record<string, unknown>> }, options: BatchOptions): Promise<BatchedResult> {
  try {
    const name = batchableOperations.find((candidate) => candidate === operation);
    if (name === undefined) throw new CryptoError('invalid-request', 'the operation cannot be batched');
    demandClass(name, options.callerClass);
    const deadlineAt = options.deadlineAt - replyWithinMs;
    if (deadlineAt <= performance.now()) throw new CryptoError('timeout', 'the deadline passed before the call was started');
    return { reply: await run(name, hsm, requestOf(bridgeOperations[name], message), deadlineAt) };
  } catch (error) {
    const known = error instanceof CryptoError ? error : new CryptoError('internal', 'the bridge failed', { cause: error });
    if (known.code === 'internal') options.onFault(error);
    return { error: known };
  }
}

const run = (name: BatchableOperation, hsm: Hsm, request: unknown, deadlineAt: number): Promise<Record<string, unknown>> =>
  (operations[name] as (hsm: Hsm, request: unknown, context: { deadlineAt: number }) => Promise<Record<string, unknown>>)(hsm, request, { deadlineAt });

function decodeBody(body: Buffer): Record<string, unknown> {
  try {
    return decodeFrame(body);
  } catch (error) {
    throw new CryptoError('invalid-request', 'the body is not a frame', { cause: error });
  }
}

function envelopeOf(frame: Record<string, unknown>): BridgeRequest<'batch'> {
  const parsed = bridgeOperations.batch.request.safeParse(frame);
  if (!parsed.success) throw new CryptoError('invalid-request', `a batch has 1 to ${batchCallsMax} calls and their keys`);
  return parsed.data;
}
