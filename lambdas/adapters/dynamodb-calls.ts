/**
 * One call to DynamoDB with a deadline, repeated when that is safe. The repeats are ours and not the SDK's, because only here is it known whether
 * a request may be sent twice: a conditional write that was applied, and whose answer was lost, fails its own condition the second time.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { StoreUnavailable } from '#shared/ports/record-store.ts';

const maxAttempts = 4;
const attemptTimeoutMs = 1500;
const firstPauseMs = 20;

/** A client for the record store: short connection time, and no repeats of its own. */
export function createDynamoDbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({ maxAttempts: 1, requestHandler: { connectionTimeout: 1000, httpsAgent: { keepAlive: true, maxSockets: 64 } }, ...config });
}

export class Deadline {
  readonly #endsAt: number;
  constructor(durationMs: number) {
    this.#endsAt = performance.now() + durationMs;
  }

  leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** Waits longer with each attempt; false when the deadline leaves no time for it. */
  async pause(attempt: number): Promise<boolean> {
    const pauseMs = firstPauseMs * 2 ** attempt * (0.5 + Math.random() / 2);
    if (pauseMs >= this.leftMs()) return false;
    await sleep(pauseMs);
    return true;
  }
}

/** An error answer of DynamoDB, and whether an earlier attempt of the same request may have been applied. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly answer: Error;
  readonly mayHaveBeenApplied: boolean;
  constructor(answer: Error, mayHaveBeenApplied: boolean) {
    super(answer.message, { cause: answer });
    this.answer = answer;
    this.mayHaveBeenApplied = mayHaveBeenApplied;
  }
}

/**
 * Sends until there is an answer.
 * @throws CallFailed for an answer that a repeat would not change; StoreUnavailable, with `outcomeUnknown` when `writes` and a request's answer was lost.
 */
export async function call<T>(send: (signal: AbortSignal) => Promise<T>, options: { readonly deadline: Deadline; readonly writes: boolean }): Promise<T> {
  let mayHaveBeenApplied = false;
  for (let attempt = 0; ; attempt++) {
    const controller = AbortSignal.timeout(Math.ceil(Math.min(attemptTimeoutMs, options.deadline.leftMs())));
    try {
      return await send(controller);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const kind = classify(error);
      mayHaveBeenApplied ||= options.writes && (kind === 'lost' || attemptsOfSdk(error) > 1);
      if (kind === 'answer') throw new CallFailed(error, mayHaveBeenApplied);
      if (attempt + 1 >= maxAttempts || !(await options.deadline.pause(attempt)))
        throw new StoreUnavailable(`DynamoDB did not answer in time (${error.name}).`, { cause: error, outcomeUnknown: mayHaveBeenApplied });
    }
  }
}

const refusals: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'ThrottlingError',
  'TooManyRequestsException',
  'TransactionInProgressException',
  // Nothing was sent.
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** Reasons in a cancelled transaction that say "later" and not "no". */
const throttlingReasons: ReadonlySet<string> = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError', 'RequestLimitExceeded']);

type Kind = 'answer' | 'refused' | 'lost';

/** Refused: not applied, worth another try. Lost: may have been applied. */
function classify(error: Error): Kind {
  const code = 'code' in error ? String(error.code) : '';
  if (refusals.has(error.name) || refusals.has(code)) return 'refused';
  if (reasonsOf(error).some((reason) => throttlingReasons.has(reason))) return 'refused';
  const status = httpStatus(error);
  return status !== undefined && status >= 400 && status < 500 ? 'answer' : isProgramFault(error, status) ? 'answer' : 'lost';
}

/** Errors of the program, such as a missing credential, never reached the network. */
function isProgramFault(error: Error, status: number | undefined): boolean {
  return status === undefined && (error instanceof TypeError || error instanceof RangeError || error.name === 'CredentialsProviderError');
}

/** The code of each cancellation reason of a cancelled transaction. */
export function reasonsOf(error: Error): readonly string[] {
  const reasons = 'CancellationReasons' in error ? error.CancellationReasons : undefined;
  return Array.isArray(reasons) ? reasons.map((reason: { Code?: string }) => reason.Code ?? 'None') : [];
}

function httpStatus(error: Error): number | undefined {
  return metadataOf(error)?.httpStatusCode;
}

function attemptsOfSdk(error: Error): number {
  return metadataOf(error)?.attempts ?? 1;
}

function metadataOf(error: Error): { httpStatusCode?: number; attempts?: number } | undefined {
  return '$metadata' in error ? (error.$metadata as { httpStatusCode?: number; attempts?: number }) : undefined;
}
