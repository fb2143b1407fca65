/**
 * What every record store asks of its arguments, and what a query's bounds mean. Written once, so that the two adapters cannot disagree.
 * A broken rule is a fault of the caller's code and throws a RangeError.
 */
import { type Item, type ItemKey, indexNames, type Query, type TableName, tableNames, type Write } from '#shared/ports/record-store.ts';

export const maxKeysPerRead = 100;
export const maxWritesPerTransaction = 100;
export const maxPageItems = 1000;
/** DynamoDB's bound on one item, attribute names included. */
export const maxItemBytes = 400 * 1024;
/** DynamoDB's bound on all the items of one transaction. */
export const maxTransactionBytes = 4 * 1024 * 1024;
const maxPartitionKeyBytes = 2048;
const maxSortKeyBytes = 1024;
const maxTokenLength = 36;
const attributeOverheadBytes = 100;

const knownTables: ReadonlySet<string> = new Set(tableNames);

/** The key that a write is about. */
export function keyOfWrite(write: Write): ItemKey {
  if ('put' in write) return write.put;
  return 'delete' in write ? write.delete : write.check;
}

/** What was made of frozen keys: they stay what they are, and most are asked for again by the next request. */
const knownNames = new WeakMap<ItemKey, string>();
const checkedKeys = new WeakSet<ItemKey>();

/** An injective name of an item: the length of pk tells where sk begins. */
export function itemName(key: ItemKey): string {
  const known = knownNames.get(key);
  if (known !== undefined) return known;
  const name = `${key.table}/${key.pk.length}/${key.pk}/${key.sk}`;
  if (Object.isFrozen(key)) knownNames.set(key, name);
  return name;
}

export function checkKeys(keys: readonly ItemKey[]): void {
  if (keys.length > maxKeysPerRead) throw new RangeError(`At most ${maxKeysPerRead} keys can be read at once, not ${keys.length}.`);
  for (const key of keys) checkKey(key);
}

/** Checks a transaction: count, sizes, keys, revisions, token, and that no item is written twice. */
export function checkWrites(writes: readonly Write[], token: string | undefined): void {
  if (writes.length === 0 || writes.length > maxWritesPerTransaction) throw new RangeError(`A transaction has 1 to ${maxWritesPerTransaction} writes, not ${writes.length}.`);
  if (token !== undefined && (token.length === 0 || token.length > maxTokenLength)) throw new RangeError(`A transaction token has 1 to ${maxTokenLength} characters.`);
  const seen = new Set<string>();
  let totalBytes = 0;
  for (const [position, write] of writes.entries()) {
    const key = keyOfWrite(write);
    checkKey(key);
    const name = itemName(key);
    if (seen.has(name)) throw new RangeError(`Write ${position} of the transaction is about an item that an earlier write is about.`);
    seen.add(name);
    if ('put' in write) totalBytes += checkItem(write.put, position);
  }
  if (totalBytes > maxTransactionBytes) throw new RangeError(`The items of one transaction may have ${maxTransactionBytes} bytes together, not ${totalBytes}.`);
}

export function checkQuery(query: Query): void {
  if (!knownTables.has(query.table)) throw new RangeError('The table is not known.');
  checkText(query.pk, maxPartitionKeyBytes, 'partition key');
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > maxPageItems) throw new RangeError(`The limit of a query is 1 to ${maxPageItems}.`);
  if (query.prefix !== undefined && query.through !== undefined) throw new RangeError('A query takes a prefix or an upper bound, not both.');
  for (const bound of [query.prefix, query.after, query.through]) if (bound) checkText(bound, maxSortKeyBytes, 'bound');
}

export interface Bound {
  readonly value: string;
  readonly inclusive: boolean;
}

/** The part of the sort keys that a query asks for. */
export interface SortKeyRange {
  readonly low?: Bound | undefined;
  readonly high?: Bound | undefined;
}

/** Turns prefix, after and through into one range. Undefined: the range is empty. */
export function sortKeyRange(query: Query): SortKeyRange | undefined {
  let low: Bound | undefined;
  let high: Bound | undefined;
  if (query.prefix) {
    low = { value: query.prefix, inclusive: true };
    const next = firstAfterPrefix(query.prefix);
    if (next !== undefined) high = { value: next, inclusive: false };
  }
  if (query.through !== undefined) high = { value: query.through, inclusive: true };
  if (query.after !== undefined) {
    const bound: Bound = { value: query.after, inclusive: false };
    if (query.descending) high = tighter(high, bound, -1);
    else low = tighter(low, bound, 1);
  }
  if (low !== undefined && high !== undefined) {
    const order = compareText(low.value, high.value);
    if (order > 0 || (order === 0 && !(low.inclusive && high.inclusive))) return undefined;
  }
  return { low, high };
}

/** The order of sort keys in both stores: by UTF-8 bytes, which is the order of code points and not that of JavaScript's `<`. */
export function compareText(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function tighter(existing: Bound | undefined, candidate: Bound, direction: 1 | -1): Bound {
  if (existing === undefined) return candidate;
  const order = compareText(candidate.value, existing.value) * direction;
  return order > 0 || (order === 0 && !candidate.inclusive) ? candidate : existing;
}

/** The smallest text that is greater than every text with the prefix. Undefined when there is none. */
function firstAfterPrefix(prefix: string): string | undefined {
  const points = [...prefix];
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0)!;
    if (point === 0x10ffff) continue;
    // The surrogates D800 to DFFF are not characters.
    return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return undefined;
}

function checkKey(key: ItemKey): void {
  if (checkedKeys.has(key)) return;
  if (!knownTables.has(key.table satisfies TableName)) throw new RangeError('The table is not known.');
  checkText(key.pk, maxPartitionKeyBytes, 'partition key');
  checkText(key.sk, maxSortKeyBytes, 'sort key');
  if (Object.isFrozen(key)) checkedKeys.add(key);
}

function checkItem(item: Item, position: number): number {
  if (!Number.isSafeInteger(item.rev) || item.rev < 1) throw new RangeError(`The revision of write ${position} is not a whole number from 1 on.`);
  if (item.expiresAt !== undefined && (!Number.isSafeInteger(item.expiresAt) || item.expiresAt < 0))
    throw new RangeError(`The expiry of write ${position} is not in whole epoch seconds.`);
  let bytes = attributeOverheadBytes + Buffer.byteLength(item.pk) + Buffer.byteLength(item.sk) + Buffer.byteLength(JSON.stringify(item.body)) + (item.seal?.length ?? 0);
  for (const name of indexNames) {
    const index = item.index?.[name];
    if (index === undefined) continue;
    checkText(index.pk, maxPartitionKeyBytes, `partition key of index ${name}`);
    checkText(index.sk, maxSortKeyBytes, `sort key of index ${name}`);
    bytes += Buffer.byteLength(index.pk) + Buffer.byteLength(index.sk);
  }
  if (bytes > maxItemBytes) throw new RangeError(`An item may have ${maxItemBytes} bytes, but write ${position} (table ${item.table}) has ${bytes}.`);
  return bytes;
}

function checkText(text: string, maxBytes: number, what: string): void {
  if (text.length === 0) throw new RangeError(`The ${what} is empty.`);
  // No text has more than three bytes per UTF-16 unit, so most need no count.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) throw new RangeError(`The ${what} has more than ${maxBytes} bytes.`);
  if (!text.isWellFormed()) throw new RangeError(`The ${what} is not well-formed Unicode.`);
}
