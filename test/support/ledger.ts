/**
 * Callers that make, use and change keys without a pause, and a ledger of what they were answered. While something is broken, an answer is right or a
 * retryable error in the shape of AWS KMS; afterwards everything that was answered is still so.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { errorTable, type KmsErrorCode } from '#shared/errors.ts';

export interface LedgerAnswer {
  readonly status: number;
  readonly requestId: string;
  readonly body: Record<string, unknown>;
}
/** One request over the wire protocol. Rejects when there was no answer. */
export type LedgerCall = (operation: string, input: Readonly<Record<string, unknown>>) => Promise<LedgerAnswer>;

export interface Ledger {
  /** Of requests that succeeded. */
  readonly answered: readonly { readonly requestId: string; readonly operation: string }[];
  readonly errors: readonly { readonly operation: string; readonly status: number; readonly code: string }[];
  /** Requests without an answer: the process behind the connection died. */
  readonly unanswered: readonly unknown[];
  /** Resolves when that many more requests have succeeded. */
  progress(count: number): Promise<void>;
  /** Resolves at the next error, or at once when there was one. */
  trouble(): Promise<void>;
  /** Ends the callers after their request under way. */
  stop(): Promise<void>;
  /** Asks for everything that was answered. @throws AssertionError */
  verify(call?: LedgerCall): Promise<void>;
}

interface Options {
  readonly callers: number;
  /** How often in a hundred requests a key is made. Keys cost the most. */
  readonly keysPerHundred?: number;
}

const pauseAfterErrorMs = 25;
const waitMs = 25_000;

export function startLedger(call: LedgerCall, { callers, keysPerHundred = 10 }: Options): Ledger {
  const answered: Ledger['answered'][number][] = [];
  const errors: Ledger['errors'][number][] = [];
  const unanswered: unknown[] = [];
  const wrong: string[] = [];
  const keys: string[] = [];
  const disabled = new Set<string>();
  const aliases = new Map<string, string>();
  const sealed: { readonly blob: unknown; readonly plaintext: string }[] = [];
  let running = true;
  let number = 0;
  const name = randomUUID();

  const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(Math.random() * all.length)];

  async function ask(operation: string, input: Readonly<Record<string, unknown>>): Promise<Record<string, unknown> | undefined> {
    let answer: LedgerAnswer;
    try {
      answer = await call(operation, input);
    } catch (error) {
      unanswered.push(error);
      await sleep(pauseAfterErrorMs);
      return undefined;
    }
    if (answer.status === 200) {
      answered.push({ requestId: answer.requestId, operation });
      return answer.body;
    }
    errors.push({ operation, status: answer.status, code: String(answer.body.__type) });
    await sleep(pauseAfterErrorMs);
    return undefined;
  }

  async function makeKey(): Promise<void> {
    const created = await ask('CreateKey', {});
    const KeyId = (created?.KeyMetadata as { KeyId: string } | undefined)?.KeyId;
    if (KeyId === undefined) return;
    const own = ++number;
    const AliasName = `alias/ledger-${name}-${own}`;
    if ((await ask('CreateAlias', { AliasName, TargetKeyId: KeyId })) !== undefined) aliases.set(AliasName, KeyId);
    // Every third stays disabled and is used by nobody.
    if (own % 3 !== 0) keys.push(KeyId);
    else if ((await ask('DisableKey', { KeyId })) !== undefined) disabled.add(KeyId);
  }

  async function use(): Promise<void> {
    const KeyId = pick(keys);
    if (KeyId === undefined) return;
    const old = pick(sealed);
    if (old !== undefined && Math.random() < 0.5) {
      const opened = await ask('Decrypt', { CiphertextBlob: old.blob });
      if (opened !== undefined && opened.Plaintext !== old.plaintext) wrong.push(`Decrypt answered ${String(opened.Plaintext)} for ${old.plaintext}`);
      return;
    }
    const plaintext = Buffer.from(`plaintext ${++number}`).toString('base64');
    const made = await ask('Encrypt', { KeyId, Plaintext: plaintext });
    if (made !== undefined) sealed.push({ blob: made.CiphertextBlob, plaintext });
  }

  const loops = Array.from({ length: callers }, async () => {
    while (running) await (keys.length === 0 || Math.random() * 100 < keysPerHundred ? makeKey() : use());
  });

  async function until(isSo: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + waitMs;
    while (!isSo()) {
      if (performance.now() > deadline) throw new Error(`In ${waitMs / 1000} s there was no ${what}: ${answered.length} answers, last errors ${JSON.stringify(errors.slice(-3))}.`);
      await sleep(5);
    }
  }

  return {
    answered,
    errors,
    unanswered,
    progress: (count) =>
      until(
        (
          (from) => () =>
            answered.length >= from + count
        )(answered.length),
        'further success',
      ),
    trouble: () => until(() => errors.length + unanswered.length > 0, 'error'),
    async stop() {
      running = false;
      await Promise.all(loops);
    },
    async verify(again = call) {
      expect(wrong).toEqual([]);
      for (const { code, status, operation } of errors) {
        // Dependencies, throttling or a fault inside: what AWS's clients repeat by themselves.
        expect(['DependencyTimeoutException', 'ThrottlingException', 'KMSInternalException'], operation).toContain(code);
        expect(status).toBe(errorTable[code as KmsErrorCode].status);
      }
      const must = async (operation: string, input: Readonly<Record<string, unknown>>) => {
        const { status, body } = await again(operation, input);
        expect([operation, input, status, body.__type]).toEqual([operation, input, 200, undefined]);
        return body;
      };
      const stateOf = async (KeyId: string) => (await must('DescribeKey', { KeyId })).KeyMetadata as { KeyId: string; KeyState: string };
      await inTurns(keys, async (KeyId) => expect((await stateOf(KeyId)).KeyState).toBe('Enabled'));
      await inTurns([...disabled], async (KeyId) => expect((await stateOf(KeyId)).KeyState).toBe('Disabled'));
      await inTurns([...aliases], async ([AliasName, KeyId]) => expect((await stateOf(AliasName)).KeyId).toBe(KeyId));
      await inTurns(sealed, async ({ blob, plaintext }) => expect((await must('Decrypt', { CiphertextBlob: blob })).Plaintext).toBe(plaintext));
    },
  };
}

/** Eight at a time. */
async function inTurns<T>(all: readonly T[], work: (each: T) => Promise<unknown>): Promise<void> {
  const left = [...all];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let each = left.pop(); each !== undefined; each = left.pop()) await work(each);
    }),
  );
}
