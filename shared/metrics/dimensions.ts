/**
 * What a metric can be broken down by. Every value comes from a closed list, so that no key id, account, ARN or text of a caller can get into a metric,
 * whatever the code that measures hands over (threat T-09), and so that the number of metrics, which AWS charges for, has a bound.
 */
import { keySpecs } from '#shared/algorithms/key-specs.ts';
import { cryptoErrorCodes } from '#shared/ports/crypto.ts';

/** Of a request: by the HTTP status that REST would give it. */
export const outcomes = ['success', 'dry-run', 'denied', 'invalid', 'not-found', 'conflict', 'throttled', 'fault'] as const;
export type Outcome = (typeof outcomes)[number];

export const requestResults = ['ok', ...cryptoErrorCodes] as const;
export const certificateSorts = ['client', 'bridge', 'authority'] as const;

const lists = {
  outcome: outcomes,
  /** `none`: the request names no key. `several`: a batch, or a re-encryption between specs. */
  keySpec: [...keySpecs, 'none', 'several'],
  result: requestResults,
  lane: ['fast', 'slow'],
  task: ['SYNCHRONIZATION', 'ROTATION', 'ENCRYPTION_COUNT', 'DELETION', 'EXPIRY'],
  sink: ['first', 'fallback'],
  alarm: ['seal-broken', 'material-refused'],
  certificate: certificateSorts,
  cause: ['internal', 'token-lost', 'stale-session', 'throttled', 'worker-lost'],
} as const satisfies Record<string, readonly string[]>;

/** The names of operations are the registry's, which the bridge does not know: whoever records by operation brings them. */
export const dimensionNames = ['operation', ...(Object.keys(lists) as (keyof typeof lists)[])] as const;
export type DimensionName = (typeof dimensionNames)[number];

const sets: ReadonlyMap<string, ReadonlySet<string>> = new Map(Object.entries(lists).map(([name, values]) => [name, new Set<string>(values)]));

/** What is not on the list is `other`. */
export function dimensionValue(name: DimensionName, value: string | undefined, operations: ReadonlySet<string>): string {
  const allowed = name === 'operation' ? operations : sets.get(name);
  return value !== undefined && allowed?.has(value) === true ? value : 'other';
}
