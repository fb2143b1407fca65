/**
 * One call to DynamoDB with a deadline, repeated when it had no answer or a "later". Whether an earlier attempt may have been applied is kept in mind:
 * a conditional write that was applied, and whose answer was lost, fails its own condition the second time.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { AwsAnswerError } from './sdk-sender.ts';

const maxAttempts = 4;
const attemptTimeoutMs = 1500;
const firstPauseMs = 20;

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
  readonly answer: AwsAnswerError;
  readonly mayHaveBeenApplied: boolean;
  constructor(answer: AwsAnswerError, mayHaveBeenApplied: boolean) {
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
      const kind = classify(error);
      mayHaveBeenApplied ||= options.writes && kind === 'lost';
      if (kind === 'answer') throw new CallFailed(error as AwsAnswerError, mayHaveBeenApplied);
      if (attempt + 1 >= maxAttempts || !(await options.deadline.pause(attempt)))
        throw new StoreUnavailable(`DynamoDB did not answer in time (${String((error as Error).name)}).`, { cause: error, outcomeUnknown: mayHaveBeenApplied });
    }
  }
}

const throttlingAnswers: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'ThrottlingError',
  'TooManyRequestsException',
  // The same transaction, by its token.
  'TransactionInProgressException',
]);
/** Reasons in a cancelled transaction that say "later" and not "no". */
const throttlingReasons: ReadonlySet<string> = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError', 'RequestLimitExceeded']);
/** No connection was made, so nothing was sent. */
const unsentCodes: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** Refused: not applied, worth another try. Lost: may have been applied. */
function classify(error: unknown): 'answer' | 'refused' | 'lost' {
  if (!(error instanceof AwsAnswerError)) return unsentCodes.has(String((error as NodeJS.ErrnoException).code)) ? 'refused' : 'lost';
  if (throttlingAnswers.has(error.name) || reasonsOf(error).some((reason) => throttlingReasons.has(reason))) return 'refused';
  return error.status >= 500 ? 'lost' : 'answer';
}

/** The code of each cancellation reason of a cancelled transaction. */
export function reasonsOf(answer: AwsAnswerError): readonly string[] {
  const reasons = answer.details.CancellationReasons;
  return Array.isArray(reasons) ? reasons.map((reason: { Code?: string }) => reason.Code ?? 'None') : [];
}
