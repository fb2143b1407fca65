interface View {
  readonly start: number;
  readonly length: number;
  readonly bytes: Buffer;
}

/**
 * Parts of one block of memory, for one job after the other. Jobs lay out their parts alike, so that the part which the job before had in the same place
 * is often the right one: looking costs less than making another.
 */
export class Views {
  readonly #block: Buffer;
  /** In the order of the calls of one job. */
  readonly #made: View[] = [];
  #next = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  of(start: number, length: number): Buffer {
    const place = this.#next++;
    const made = this.#made[place];
    if (made !== undefined && made.start === start && made.length === length) return made.bytes;
    const bytes = this.#block.subarray(start, start + length);
    this.#made[place] = { start, length, bytes };
    return bytes;
  }

  /** The next call is the first of another job, and what was given so far is no longer in use. */
  startAgain(): void {
    this.#next = 0;
  }
}
