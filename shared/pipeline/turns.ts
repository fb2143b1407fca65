/** Lets overtaken requests of one process take turns on a key, so that many changes of one key all land. Processes still race by revision. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** @returns a function that ends the turn; it must be called */
  async take(name: string): Promise<() => void> {
    const before = this.#last.get(name);
    let end: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last.set(name, turn);
    await before;
    return () => {
      if (this.#last.get(name) === turn) this.#last.delete(name);
      end();
    };
  }
}
