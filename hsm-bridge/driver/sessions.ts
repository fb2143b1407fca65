import type { CallSite, HsmProfile, Outcome } from '../profiles/profile.ts';
import { Arena } from './arena.ts';
import { type Handle, type Pkcs11Module, returnValue } from './module.ts';

const arenaBytes = 32 * 1024;

/** Failures after which a session is known to be good. Replacing it costs the HSM time in proportion to its live objects. */
const keepsSession: ReadonlySet<Outcome> = new Set(['invalid-ciphertext', 'stale-key']);

/** An HSM call that did not succeed, with what it means under the profile. Carries no data of the call. */
export class HsmError extends Error {
  override readonly name = 'HsmError';
  readonly outcome: Outcome;
  constructor(outcome: Outcome, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.outcome = outcome;
  }
}

/**
 * The two sessions of one thread. `operation` runs cryptographic operations and is replaced after any unexpected return value, because a
 * failed call may leave it in OPERATION_ACTIVE for ever. `owner` makes and unwraps keys and nothing else: session objects die with it.
 */
export class Sessions {
  readonly module: Pkcs11Module;
  readonly profile: HsmProfile;
  /** Results of the running job; the thread wipes it after each. */
  readonly arena = new Arena(arenaBytes);
  readonly #slot: Handle;
  readonly #onReopened: () => void;
  #operation: Handle;
  #owner: Handle;

  constructor(module: Pkcs11Module, profile: HsmProfile, slot: Handle, onReopened: () => void = () => undefined) {
    this.module = module;
    this.profile = profile;
    this.#slot = slot;
    this.#onReopened = onReopened;
    this.#operation = this.#open();
    this.#owner = this.#open();
  }

  get handles(): Handle[] {
    return [this.#operation, this.#owner];
  }

  /** Runs Init and operation as one; retries once on another session when this one was dead. */
  operate<T>(site: CallSite, action: (session: Handle) => T): T {
    try {
      return action(this.#operation);
    } catch (thrown) {
      const error = this.#meaning(site, thrown);
      if (error instanceof HsmError && keepsSession.has(error.outcome)) throw error;
      this.#replaceOperation();
      if (!(error instanceof HsmError && error.outcome === 'stale-session')) throw error;
    }
    return this.#attempt(site, () => action(this.#operation));
  }

  /** Runs on the session that owns the keys made by it. A dead owner session takes its keys along; the caller sees 'stale-key' at their next use. */
  own<T>(site: CallSite, action: (session: Handle) => T): T {
    try {
      return this.#attempt(site, () => action(this.#owner));
    } catch (error) {
      if (!(error instanceof HsmError && error.outcome === 'stale-session')) throw error;
    }
    this.#close(this.#owner);
    this.#owner = this.#attempt('other', () => this.#open());
    this.#onReopened();
    return this.#attempt(site, () => action(this.#owner));
  }

  #attempt<T>(site: CallSite, action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw this.#meaning(site, error);
    }
  }

  /** @returns an HsmError for a return value, anything else as it is. */
  #meaning(site: CallSite, error: unknown): unknown {
    const code = returnValue(error);
    if (code === undefined) return error;
    const outcome = this.profile.outcomes[site].get(code) ?? 'internal';
    return new HsmError(outcome, `${(error as Error).message} at ${site}`, { cause: error });
  }

  #replaceOperation(): void {
    this.#close(this.#operation);
    this.#operation = this.#attempt('other', () => this.#open());
    this.#onReopened();
  }

  #open(): Handle {
    return this.module.C_OpenSession(this.#slot, this.profile.sessionFlags);
  }

  #close(session: Handle): void {
    try {
      this.module.C_CloseSession(session);
    } catch {
      // It was dead already, which is why it is replaced.
    }
  }
}

/** A dead handle of a domain key means that the token is gone, not that a cached key died. */
export function withDomainKey<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof HsmError && error.outcome === 'stale-key') throw new HsmError('token-lost', error.message, { cause: error });
    throw error;
  }
}
