/** Bounded memory of what was found last time. Never believed: a hint only says which rows to read first. */
const hintsMax = 50_000;

export class Hints<Value> {
  readonly #values = new Map<string, Value>();
  get(name: string): Value | undefined {
    return this.#values.get(name);
  }
  set(name: string, value: Value): void {
    if (this.#values.size >= hintsMax && !this.#values.has(name)) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(name, value);
  }
}
