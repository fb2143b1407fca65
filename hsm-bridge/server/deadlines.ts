/** Answers every call in time, even when the HSM does not: one coarse timer for all calls. */
export interface Deadlined {
  readonly deadlineAt: number;
  expire(): void;
}

const resolutionMs = 20;

export class Deadlines {
  readonly #running = new Set<Deadlined>();
  #timer: NodeJS.Timeout | undefined;

  add(item: Deadlined): void {
    this.#running.add(item);
    this.#timer ??= setInterval(() => this.#sweep(), resolutionMs).unref();
  }

  remove(item: Deadlined): void {
    this.#running.delete(item);
  }

  get size(): number {
    return this.#running.size;
  }

  #sweep(): void {
    const now = performance.now();
    for (const item of this.#running) {
      if (item.deadlineAt > now) continue;
      this.#running.delete(item);
      item.expire();
    }
    if (this.#running.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
