/** A bounded cache of things that must be closed, opened at most once at a time per key. */
export interface CacheOptions<Value> {
  readonly entriesMax: number;
  readonly ttlMs: number;
  readonly open: (key: string) => Promise<Value>;
  /** Called once per value, when nobody uses it any more. */
  readonly close: (value: Value) => void;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

interface Entry<Value> {
  readonly opening: Promise<Value>;
  value: Value | undefined;
  readonly expiresAt: number;
  users: number;
  dropped: boolean;
}

export class KeyCache<Value> {
  readonly #options: Required<CacheOptions<Value>>;
  /** In order of last use. */
  readonly #entries = new Map<string, Entry<Value>>();

  constructor(options: CacheOptions<Value>) {
    this.#options = { now: () => performance.now(), ...options };
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Runs `action` with the value of `key`; the value is not closed before the action ends. Opening errors reach every waiter and are not cached. */
  async use<Result>(key: string, action: (value: Value) => Promise<Result>): Promise<Result> {
    const entry = this.#acquire(key);
    try {
      return await action(entry.value ?? (await entry.opening));
    } finally {
      entry.users--;
      this.#closeIfUnused(entry);
    }
  }

  /** The value turned out to be dead: the next use opens it again. */
  drop(key: string, value: Value): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.value === value) this.#drop(key, entry);
  }

  /** Drops what is past its time. Call now and then, so that idle entries do not live on. */
  expire(): void {
    const now = this.#options.now();
    for (const [key, entry] of this.#entries) if (entry.expiresAt <= now) this.#drop(key, entry);
  }

  clear(): void {
    for (const [key, entry] of this.#entries) this.#drop(key, entry);
  }

  #acquire(key: string): Entry<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined && known.expiresAt > this.#options.now()) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      known.users++;
      return known;
    }
    if (known !== undefined) this.#drop(key, known);
    const opening = this.#options.open(key);
    const entry: Entry<Value> = { opening, value: undefined, expiresAt: this.#options.now() + this.#options.ttlMs, users: 1, dropped: false };
    this.#entries.set(key, entry);
    this.#evict();
    opening.then(
      (value) => {
        entry.value = value;
        this.#closeIfUnused(entry);
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry;
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#options.entriesMax) return;
      this.#drop(key, entry);
    }
  }

  #drop(key: string, entry: Entry<Value>): void {
    this.#entries.delete(key);
    entry.dropped = true;
    this.#closeIfUnused(entry);
  }

  #closeIfUnused(entry: Entry<Value>): void {
    if (!entry.dropped || entry.users > 0 || entry.value === undefined) return;
    const { value } = entry;
    entry.value = undefined;
    this.#options.close(value);
  }
}
