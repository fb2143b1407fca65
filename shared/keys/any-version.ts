/** Uses that any accepted version may answer: all of them are tried, in one round trip, and the newest that succeeds counts. */
import { KmsError } from '#shared/errors.ts';
import type { Crypto, KeyHandle } from '#shared/ports/crypto.ts';
import type { CryptoCall } from '#shared/ports/crypto-batch.ts';
import { handleOf, type LoadedKey } from '#shared/repositories/key-reader.ts';

/** Newest first. @throws KmsError KeyUnavailableException */
export function acceptedHandles(key: LoadedKey): readonly KeyHandle[] {
  const versions = key.versions ?? [];
  return versions.map(({ version, material }) => {
    if (material === undefined) throw new KmsError('KeyUnavailableException', `The key material of ${key.arn} is not available.`);
    return handleOf(key, version, material);
  });
}

/**
 * Always tries every call, so that the time of an answer does not tell which version it was.
 * @returns the value of the first call that succeeded, and its place
 * @throws CryptoError that of refused material, whatever else succeeded; else the first that is not about the ciphertext; else the first
 */
export async function firstOf(crypto: Pick<Crypto, 'batch'> & Partial<Crypto>, calls: readonly CryptoCall[]): Promise<readonly [unknown, number]> {
  const [only] = calls;
  if (only !== undefined && calls.length === 1) {
    return [await (crypto[only.name] as (...parameters: readonly unknown[]) => Promise<unknown>)(...only.parameters), 0];
  }
  const outcomes = await crypto.batch(calls);
  const errors = outcomes.flatMap(({ error }) => error ?? []);
  const refused = errors.find(({ code }) => code === 'material-refused');
  if (refused !== undefined) throw refused;
  const at = outcomes.findIndex(({ error }) => error === undefined);
  if (at < 0) throw errors.find(({ code }) => code !== 'invalid-ciphertext') ?? errors[0] ?? new Error('There is no version to try.');
  return [(outcomes[at] as { value: unknown }).value, at];
}

/** Whether any of the calls, which answer true or false, says true. @throws CryptoError when one fails and none says true */
export async function anyTrue(crypto: Pick<Crypto, 'batch'> & Partial<Crypto>, calls: readonly CryptoCall[]): Promise<boolean> {
  if (calls.length === 1) return (await firstOf(crypto, calls))[0] === true;
  const outcomes = await crypto.batch(calls);
  const errors = outcomes.flatMap(({ error }) => error ?? []);
  const refused = errors.find(({ code }) => code === 'material-refused');
  if (refused !== undefined) throw refused;
  if (outcomes.some((outcome) => outcome.error === undefined && outcome.value === true)) return true;
  if (errors[0] !== undefined) throw errors[0];
  return false;
}

/** The value of every call, in order. @throws CryptoError the first one */
export async function allOf<Value>(crypto: Pick<Crypto, 'batch'>, calls: readonly CryptoCall[]): Promise<readonly Value[]> {
  return (await crypto.batch(calls)).map((outcome) => {
    if (outcome.error !== undefined) throw outcome.error;
    return outcome.value as Value;
  });
}
