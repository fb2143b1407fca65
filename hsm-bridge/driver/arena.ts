import { Views } from './views.ts';

/**
 * Where a worker's results live until they are handed over: one block for one job after the other. Nothing to collect on the hot path, and one
 * wipe that forgets no secret.
 */
export class Arena {
  readonly #block: Buffer;
  readonly #views: Views;
  #overflow: Buffer[] = [];
  #used = 0;

  constructor(bytes: number) {
    this.#block = Buffer.alloc(bytes);
    this.#views = new Views(this.#block);
  }

  /** Zeroed bytes, valid until `wipe`. */
  take(length: number): Buffer {
    const end = this.#used + length;
    if (end > this.#block.length) {
      const own = Buffer.alloc(length);
      this.#overflow.push(own);
      return own;
    }
    const taken = this.#views.of(this.#used, length);
    this.#used = end;
    return taken;
  }

  wipe(): void {
    this.#block.fill(0, 0, this.#used);
    this.#used = 0;
    this.#views.startAgain();
    for (const own of this.#overflow) own.fill(0);
    if (this.#overflow.length > 0) this.#overflow = [];
  }
}
