/**
 * How the workers of a lane tell the main thread that they have answered. Each has a bit, so that only the rings of those that rang are looked at. Waking
 * costs both threads microseconds: only the first to ring while the main thread sleeps does it.
 *   word 0 = 1 while the main thread sleeps | bits, 32 a word
 */
const asleep = 0;
const firstWord = 1;

export type Bell = Int32Array;

export const createBell = (workers: number): Bell => new Int32Array(new SharedArrayBuffer(4 * (firstWord + Math.ceil(workers / 32))));

/** The worker's side, after it wrote an answer. */
export function ring(bell: Bell, worker: number): void {
  Atomics.or(bell, firstWord + (worker >>> 5), 1 << (worker & 31));
  if (Atomics.load(bell, asleep) === 1 && Atomics.exchange(bell, asleep, 0) === 1) Atomics.notify(bell, asleep);
}

/** When a worker died: it may have been the first to ring, and not have come to the notification that all others leave to it. */
export function wakeListener(bell: Bell): void {
  Atomics.store(bell, asleep, 0);
  Atomics.notify(bell, asleep);
}

/** @returns the workers that rang since the last time. */
export function takeRung(bell: Bell): number[] {
  const rung: number[] = [];
  for (let word = firstWord; word < bell.length; word++) {
    for (let bits = Atomics.exchange(bell, word, 0); bits !== 0; bits &= bits - 1) rung.push(32 * (word - firstWord) + 31 - Math.clz32(bits & -bits));
  }
  return rung;
}

/** Without blocking the event loop. Resolves when some worker has rung since `takeRung`; at times without reason. */
export async function untilRung(bell: Bell): Promise<void> {
  // First the word, then the bits: a worker does it the other way round, so one of the two sees the other.
  Atomics.store(bell, asleep, 1);
  let rung = 0;
  for (let word = firstWord; word < bell.length; word++) rung |= Atomics.load(bell, word);
  const waiting = rung === 0 ? Atomics.waitAsync(bell, asleep, 1) : undefined;
  if (waiting?.async) await waiting.value;
  Atomics.store(bell, asleep, 0);
}
