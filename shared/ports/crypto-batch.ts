/** Uses of keys that can travel together: one frame to the bridge, one back. */
import type { Crypto, CryptoError } from './crypto.ts';

export const batchableNames = [
  'encrypt',
  'decrypt',
  'reEncrypt',
  'generateDataKey',
  'sign',
  'verify',
  'generateMac',
  'verifyMac',
  'getPublicKey',
] as const satisfies readonly (keyof Crypto)[];
export type BatchableName = (typeof batchableNames)[number];

/** One call of the Crypto port, as data. */
export type CryptoCall = { readonly [Name in BatchableName]: { readonly name: Name; readonly parameters: Parameters<Crypto[Name]> } }[BatchableName];

/** What the call would have resolved to or thrown. */
export type CryptoOutcome = { readonly value: unknown; readonly error?: never } | { readonly error: CryptoError };

/** The part of the Crypto port that a batch can carry, and the batch itself. */
export type BatchableCrypto = Pick<Crypto, BatchableName | 'batch'>;
