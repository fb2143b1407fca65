/**
 * Page markers that callers cannot make up, edit, or carry to another place. An operation writes and reads positions (shared/fields/pagination.ts,
 * which name the list and its key); here each one gets an HMAC over the operation, the caller's account and its Region in front. The HMAC's key comes from
 * the HSM, the same for every process, so that any of them can go on where another stopped (docs/adr/0024).
 */
import { positionMac, positionMacFits, positionMacLength } from '#shared/ciphertext/position-mac.ts';
import { invalidMarker } from '#shared/fields/pagination.ts';
import type { Operation } from '#shared/operation.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { Caller } from './caller.ts';

export interface Markers {
  /** The input with the position that the marker stands for. @throws KmsError InvalidMarkerException */
  open(operation: Operation, caller: Caller, input: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** The output with a marker in place of the position. */
  seal(operation: Operation, caller: Caller, output: Record<string, unknown> | undefined): Promise<Record<string, unknown> | undefined>;
}

/** Asked for again now and then: a new epoch of the HSM has another key, and then markers of before are refused. */
const keyLifeMs = 600_000;

export function createMarkers({ crypto, now }: { crypto: Pick<Crypto, 'deriveKey'>; now: () => number }): Markers {
  let current: { readonly key: Promise<Uint8Array>; readonly until: number } | undefined;

  function key(): Promise<Uint8Array> {
    if (current !== undefined && current.until > now()) return current.key;
    const asked = { key: crypto.deriveKey('markers'), until: now() + keyLifeMs };
    current = asked;
    asked.key.catch(() => {
      if (current === asked) current = undefined;
    });
    return asked.key;
  }

  const placeOf = (operation: Operation, caller: Caller): readonly string[] => [operation.name, caller.account, caller.region];

  return {
    async open(operation, caller, input) {
      const marker = input.Marker;
      if (typeof marker !== 'string' || !isPaged(operation)) return input;
      const position = marker.slice(positionMacLength);
      if (!positionMacFits(await key(), placeOf(operation, caller), position, marker.slice(0, positionMacLength))) throw invalidMarker();
      return { ...input, Marker: position };
    },
    async seal(operation, caller, output) {
      const position = output?.NextMarker;
      if (typeof position !== 'string' || !isPaged(operation)) return output;
      return { ...output, NextMarker: `${positionMac(await key(), placeOf(operation, caller), position)}${position}` };
    },
  };
}

const isPaged = (operation: Operation): boolean => 'Marker' in operation.input.shape && operation.output !== undefined && 'NextMarker' in operation.output.shape;
