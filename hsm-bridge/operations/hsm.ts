/** What operations use: keys by their stored row, and jobs on the two lanes. Turns every failure into a CryptoError. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isSeedSpec } from '#shared/algorithms/key-specs.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { keyMaterialSchema } from '#shared/keys/material-schema.ts';
import { CryptoError, type KeyHandle } from '#shared/ports/crypto.ts';
import type { JobName } from '../driver/jobs.ts';
import { KeyCache } from '../key-cache.ts';
import { JobFailure, type JobFailureCode } from '../lanes/answer.ts';
import type { Lane } from '../lanes/lane.ts';
import { invalid } from './rules.ts';

export interface HsmOptions {
  readonly fast: Pick<Lane, 'run'>;
  readonly slow: Pick<Lane, 'run'>;
  readonly cacheEntriesMax: number;
  readonly cacheTtlMs: number;
  /** A row that fails its HMAC or its binding: an alarm. */
  readonly onMaterialRefused: (keyId: string, reason: string) => void;
  readonly onTokenLost: (reason: string) => void;
  /** A job that the HSM, or the way to it, spoiled. */
  readonly onHsmError?: (cause: JobFailureCode) => void;
}

/** performance.now() time by which the answer must be there. */
export interface CallContext {
  readonly deadlineAt: number;
}

/** Opening a key serves everyone who waits for it, so it does not run under one caller's deadline. */
const openWithinMs = 10_000;
const throttleBackoffMs = 20;
const throttleBackoffMaxMs = 500;
const hsmErrors: ReadonlySet<JobFailureCode> = new Set(['internal', 'token-lost', 'stale-session', 'throttled', 'worker-lost']);

export class Hsm {
  readonly #options: HsmOptions;
  /** Session objects in the HSM. */
  readonly #open: KeyCache<Buffer>;
  /** Rows whose HMAC was checked, for operations that need only the public key. */
  readonly #checked: KeyCache<true>;

  constructor(options: HsmOptions) {
    this.#options = options;
    const bounds = { entriesMax: options.cacheEntriesMax, ttlMs: options.cacheTtlMs };
    this.#open = new KeyCache({
      ...bounds,
      open: async (row) => (await this.run('open', [materialBytes(row)], within(openWithinMs)))[0] as Buffer,
      close: (handle) => void this.run('destroy', [handle], within(openWithinMs)).catch(() => {}),
    });
    this.#checked = new KeyCache({
      ...bounds,
      open: async (row) => {
        await this.run('check', [materialBytes(row)], within(openWithinMs));
        return true as const;
      },
      close: () => {},
    });
  }

  get cachedKeys(): number {
    return this.#open.size;
  }

  expireCaches(): void {
    this.#open.expire();
    this.#checked.expire();
  }

  /** Some handles may be dead: their owner session was closed. */
  forgetKeys(): void {
    this.#open.clear();
  }

  /**
   * Runs a job with the opened key. The whole row is the cache key, so an unchanged row was validated, bound and authenticated before, and a changed one
   * is so now.
   */
  async withKey(key: KeyHandle, context: CallContext, job: (handle: Buffer) => Promise<Buffer[]>): Promise<Buffer[]> {
    if (isSeedSpec(key.material.keySpec)) {
      await this.check(key);
      throw invalid(`a key of ${key.material.keySpec} is not for this`);
    }
    const row = rowText(key);
    for (let attempt = 1; ; attempt++) {
      let used: Buffer | undefined;
      try {
        return await this.#open.use(row, (handle) => {
          used = handle;
          return job(handle);
        });
      } catch (error) {
        if (!(error instanceof StaleKey) || attempt > 1 || context.deadlineAt <= performance.now()) throw this.#visible(error, key);
        if (used !== undefined) this.#open.drop(row, used);
      }
    }
  }

  /** Runs a job with the row itself, once it is authenticated. */
  async withAuthenticRow(key: KeyHandle, job: (row: Buffer) => Promise<Buffer[]>): Promise<Buffer[]> {
    await this.check(key);
    try {
      return await job(Buffer.from(JSON.stringify(key.material), 'utf8'));
    } catch (error) {
      throw this.#visible(error, key);
    }
  }

  /** Resolves when the row is authentic. */
  async check(key: KeyHandle): Promise<void> {
    try {
      await this.#checked.use(rowText(key), async () => {});
    } catch (error) {
      throw this.#visible(error, key);
    }
  }

  /** @throws CryptoError, or StaleKey for withKey. */
  async run(name: JobName, fields: readonly Uint8Array[], { deadlineAt }: CallContext, lane: Pick<Lane, 'run'> = this.#options.fast): Promise<Buffer[]> {
    for (let backoffMs = throttleBackoffMs; ; backoffMs = Math.min(2 * backoffMs, throttleBackoffMaxMs)) {
      try {
        return await lane.run(name, fields, deadlineAt);
      } catch (error) {
        if (error instanceof JobFailure && hsmErrors.has(error.code)) this.#options.onHsmError?.(error.code);
        if (!(error instanceof JobFailure && error.code === 'throttled') || performance.now() + backoffMs > deadlineAt) throw this.#translate(error);
        await sleep(backoffMs);
      }
    }
  }

  runSlow(name: JobName, fields: readonly Uint8Array[], context: CallContext): Promise<Buffer[]> {
    return this.run(name, fields, context, this.#options.slow);
  }

  #translate(error: unknown): Error {
    if (!(error instanceof JobFailure)) return error as Error;
    switch (error.code) {
      case 'invalid-ciphertext':
        return new CryptoError('invalid-ciphertext', 'the ciphertext does not fit');
      case 'invalid-import-token':
        return new CryptoError('invalid-import-token', 'the import token is refused');
      case 'incorrect-key-material':
        return new CryptoError('incorrect-key-material', 'the key material is not what it should be');
      case 'plaintext-too-long':
        return new CryptoError('invalid-request', error.message);
      case 'material-refused':
        return new MaterialAlarm(error.message);
      case 'stale-key':
        return new StaleKey('unavailable', 'the key must be opened again');
      case 'token-lost':
        this.#options.onTokenLost(error.message);
        return new CryptoError('unavailable', 'the HSM is not available');
      case 'unsupported':
        return new CryptoError('unsupported', error.message);
      case 'queue-full':
      case 'throttled':
        return new CryptoError('busy', 'the bridge is busy');
      case 'deadline':
        return new CryptoError('timeout', 'the deadline passed in the queue');
      case 'worker-lost':
      case 'stale-session':
        return new CryptoError('unavailable', 'the HSM connection was lost');
      default:
        return new CryptoError('internal', 'unexpected answer of the HSM', { cause: error });
    }
  }

  #visible(error: unknown, key: KeyHandle): unknown {
    if (!(error instanceof MaterialAlarm)) return error;
    this.#options.onMaterialRefused(key.binding.keyId, error.message);
    return new CryptoError('material-refused', 'the key material is refused');
  }
}

/** Of rows that cannot change any more: those of requests that come again and again. */
const texts = new WeakMap<KeyHandle, string>();

function rowText(key: KeyHandle): string {
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify(key);
  if (Object.isFrozen(key)) texts.set(key, text);
  return text;
}

class StaleKey extends CryptoError {}
class MaterialAlarm extends Error {}

const within = (budgetMs: number): CallContext => ({ deadlineAt: performance.now() + budgetMs });

/** The binding says which key version the caller means; the row must say the same. @throws MaterialAlarm */
function materialBytes(row: string): Buffer {
  const { binding, material } = JSON.parse(row) as KeyHandle;
  const parsed = keyMaterialSchema.safeParse(material);
  if (!parsed.success) throw new MaterialAlarm('it is malformed');
  for (const name of ['account', 'region', 'keyId', 'version'] as const) if (binding[name] !== material[name]) throw new MaterialAlarm(`its ${name} is another one`);
  return Buffer.from(JSON.stringify(parsed.data as KeyMaterial), 'utf8');
}
