/**
 * What a decision may cost. Policies and the values they are held against are both chosen by callers, and a long pattern against a long value is their product:
 * so every comparison is counted, and a decision that goes over its bound is a refusal. It counts as an explicit deny, since the statement that was not
 * reached may have been one (threat T-13).
 */
export class DecisionTooCostly extends Error {
  override readonly name = 'DecisionTooCostly';
}

/** In characters compared. A few thousand are usual; these are some ten milliseconds. */
const stepsPerDecision = 4_000_000;
const stepsPerBatch = 16_000_000;

export class Work {
  #left: number;
  readonly #whole: Work | undefined;

  /** @param whole what this is a part of: it pays too */
  constructor(steps: number = stepsPerDecision, whole?: Work) {
    this.#left = steps;
    this.#whole = whole;
  }

  /** For all items of a batch together. */
  static ofBatch = (): Work => new Work(stepsPerBatch);

  get left(): number {
    return this.#whole === undefined ? this.#left : Math.min(this.#left, this.#whole.left);
  }

  /** Before the steps are taken. @throws DecisionTooCostly */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new DecisionTooCostly('A decision takes too many steps.');
    this.#whole?.spend(steps);
  }
}
