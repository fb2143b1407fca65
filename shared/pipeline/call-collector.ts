/**
 * Gathers what the items of a batch ask of the HSM and sends it in one round trip: as soon as every item that still runs is waiting for an answer.
 * The items run the same code as single requests do, and do not know that they share.
 */
import type { CryptoError } from '#shared/ports/crypto.ts';
import { type BatchableCrypto, type BatchableName, batchableNames, type CryptoCall, type CryptoOutcome } from '#shared/ports/crypto-batch.ts';

interface Waiting {
  readonly calls: readonly CryptoCall[];
  readonly resolve: (outcomes: readonly CryptoOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

export class CallCollector {
  readonly #send: BatchableCrypto['batch'];
  #running: number;
  #waiting: Waiting[] = [];
  #lost: unknown;
  /** For the items, each of which has one call under way at a time. */
  readonly calls: BatchableCrypto = this.#collected();

  /** @param items how many will ask; each must end */
  constructor(send: BatchableCrypto['batch'], items: number) {
    this.#send = send;
    this.#running = items;
  }

  /** What the round trip failed with, when no call of it was answered. */
  get lost(): unknown {
    return this.#lost;
  }

  /** One item asks for nothing more. */
  end(): void {
    this.#running -= 1;
    this.#sendWhenComplete();
  }

  #collected(): BatchableCrypto {
    const batch = (calls: readonly CryptoCall[]): Promise<readonly CryptoOutcome[]> =>
      new Promise((resolve, reject) => {
        this.#waiting.push({ calls, resolve, reject });
        this.#sendWhenComplete();
      });
    const single =
      (name: BatchableName) =>
      async (...parameters: unknown[]) =>
        resultOf((await batch([{ name, parameters } as unknown as CryptoCall]))[0]!);
    return { ...(Object.fromEntries(batchableNames.map((name) => [name, single(name)])) as unknown as BatchableCrypto), batch };
  }

  #sendWhenComplete(): void {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#running) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#send(waiting.flatMap(({ calls }) => calls)).then(
      (outcomes) => {
        let at = 0;
        for (const { calls, resolve } of waiting) {
          resolve(outcomes.slice(at, at + calls.length));
          at += calls.length;
        }
      },
      (error: unknown) => {
        this.#lost = error;
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}

/** @throws CryptoError */
function resultOf(outcome: CryptoOutcome): unknown {
  if (outcome.error !== undefined) throw outcome.error satisfies CryptoError;
  return outcome.value;
}
