/**
 * Seals on the rows that decide who may do what: an HMAC made in the HSM over the row's place, revision and content, so that somebody who
 * can write to the database gains no authority (threat T-04). A row copied from another place or edited is refused; an older version of the
 * same row is not detected by the seal alone (threat T-05, docs/threat-model.md).
 */
import { createHash } from 'node:crypto';
import type { JsonValue } from '#shared/json.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { Item, Write } from '#shared/ports/record-store.ts';

/** Keys, aliases, roles and bindings are META rows; grants and the aliases of a key lie beside the key's own row and decide as well. */
export const isSealed = (item: { table: string; sk: string }): boolean => item.table === 'core' && (item.sk === 'META' || /^(?:GRANT|GRANTEE|ALIAS)#/.test(item.sk));

/** The bound of the Crypto port. */
const sealsPerCall = 100;
/** Base64 of 32 bytes. */
const sealPattern = /^[A-Za-z0-9+/]{43}=$/;

/** Canonical: members sorted by code unit, no white space. Stores need not keep the order of members. */
function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name]!)}`);
  return `{${members.join(',')}}`;
}

/** Base64 SHA-256. Every part is length-prefixed by its JSON quotes, so no two rows share an encoding. */
export function rowDigest(item: Pick<Item, 'table' | 'pk' | 'sk' | 'rev' | 'body'>): string {
  const row = canonicalJson(['chatelaine-row-1', item.table, item.pk, item.sk, item.rev, item.body]);
  return createHash('sha256').update(row, 'utf8').digest('base64');
}

/** Adds the seal to each row that must have one. One round trip to the bridge, or none. */
export async function sealWrites(crypto: Pick<Crypto, 'sealRows'>, writes: readonly Write[]): Promise<Write[]> {
  const digests = writes.flatMap((write) => ('put' in write && isSealed(write.put) ? [rowDigest(write.put)] : []));
  if (digests.length === 0) return [...writes];
  const seals = await crypto.sealRows(digests);
  let next = 0;
  return writes.map((write) => ('put' in write && isSealed(write.put) ? { ...write, put: { ...write.put, seal: seals[next++] } } : write));
}

/**
 * Remembers rows whose seal held, by digest and seal together, so that an unchanged row costs one SHA-256 and no round trip. A frozen row, which a store
 * gives again as long as it did not change, cannot become another one: it costs nothing.
 */
export class SealChecker {
  readonly #crypto: Pick<Crypto, 'checkSeals'>;
  readonly #good = new Set<string>();
  readonly #held = new WeakSet<Item>();
  readonly #capacity: number;

  constructor(crypto: Pick<Crypto, 'checkSeals'>, capacity = 20_000) {
    this.#crypto = crypto;
    this.#capacity = capacity;
  }

  /** @returns the items whose seal is missing or wrong. */
  async broken(items: readonly Item[]): Promise<readonly Item[]> {
    const broken: Item[] = [];
    const unknown: { item: Item; digest: string; seal: string; name: string }[] = [];
    for (const item of items) {
      if (this.#held.has(item)) continue;
      // A seal that is not base64 cannot be asked about.
      if (item.seal === undefined || !sealPattern.test(item.seal)) {
        broken.push(item);
        continue;
      }
      const digest = rowDigest(item);
      const name = `${digest}${item.seal}`;
      if (this.#good.has(name)) this.#hold(item);
      else unknown.push({ item, digest, seal: item.seal, name });
    }
    if (unknown.length === 0) return broken;
    const questions = unknown.map(({ digest, seal }) => ({ digest, seal }));
    const rounds = Array.from({ length: Math.ceil(questions.length / sealsPerCall) }, (_, at) => questions.slice(at * sealsPerCall, (at + 1) * sealsPerCall));
    const valid = (await Promise.all(rounds.map((rows) => this.#crypto.checkSeals(rows)))).flat();
    for (const [at, { item, name }] of unknown.entries()) {
      if (valid[at] === true) {
        this.#remember(name);
        this.#hold(item);
      } else broken.push(item);
    }
    return broken;
  }

  #hold(item: Item): void {
    if (Object.isFrozen(item)) this.#held.add(item);
  }

  #remember(name: string): void {
    if (this.#good.size >= this.#capacity) this.#good.delete(this.#good.values().next().value!);
    this.#good.add(name);
  }
}
