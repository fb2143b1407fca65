/** Time that passes when a test says so. */
export class VirtualClock {
  #now = Date.parse('2026-11-24T08:00:00Z');

  readonly now = (): number => this.#now;

  advance(ms: number): void {
    this.#now += ms;
  }

  advanceTo(at: number): void {
    this.#now = Math.max(this.#now, at);
  }
}
