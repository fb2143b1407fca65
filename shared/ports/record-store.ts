/**
 * The one storage port. Two adapters implement it (DynamoDB in lambdas/, SQLite in server/) and one contract suite holds both to it.
 * Typed records live above it, in shared/repositories/.
 */
import type { JsonObject } from '#shared/json.ts';

/** Tables are split by recovery and IAM boundary, see docs/adr/0004. */
export const tableNames = ['core', 'material', 'ops'] as const;
export type TableName = (typeof tableNames)[number];

export interface ItemKey {
  readonly table: TableName;
  readonly pk: string;
  readonly sk: string;
}

/** A position in a secondary index. `sk` must be unique within `pk`: writers append the record's id. */
export interface IndexKey {
  readonly pk: string;
  readonly sk: string;
}

export const indexNames = ['list', 'due'] as const;
export type IndexName = (typeof indexNames)[number];

/** A store that gives an unchanged row as the same object again gives it frozen, body and all: what was found out about a frozen item stays true. */
export interface Item extends ItemKey {
  /** Starts at 1 and rises by one with each change. Writers set it; conditions compare it. */
  readonly rev: number;
  readonly body: JsonObject;
  /** Base64 HMAC over the row, made in the HSM. Opaque to the store. */
  readonly seal?: string | undefined;
  readonly index?: { readonly [Name in IndexName]?: IndexKey | undefined } | undefined;
  /** Epoch seconds. Storage reclamation only: readers compare times themselves. */
  readonly expiresAt?: number | undefined;
}

export type Condition = { readonly absent: true } | { readonly exists: true } | { readonly rev: number };

export type Write = { readonly put: Item; readonly if?: Condition } | { readonly delete: ItemKey; readonly if?: Condition } | { readonly check: ItemKey; readonly if: Condition };

export interface Query {
  readonly table: TableName;
  /** Without an index: the table's own pk and sk. Index reads may lag behind writes on DynamoDB. */
  readonly index?: IndexName;
  readonly pk: string;
  readonly prefix?: string;
  /** Exclusive lower bound (upper bound when descending) of the sort key: the last sort key of the page before. */
  readonly after?: string;
  /** Inclusive upper bound of the sort key. Not together with prefix. */
  readonly through?: string;
  /** 1 to 1000. A page may hold fewer items than the limit; only a missing `next` ends the list. */
  readonly limit: number;
  readonly descending?: boolean;
}

export interface Page {
  readonly items: readonly Item[];
  /** Give it as `after` to go on. */
  readonly next?: string | undefined;
}

export interface WriteReason {
  readonly failed: boolean;
  /** 'condition': the condition did not hold. 'conflict': another transaction was under way on the item. */
  readonly cause?: 'condition' | 'conflict';
}

/** No write of the transaction was applied. One reason per write, in order. */
export class TransactionCancelled extends Error {
  override readonly name = 'TransactionCancelled';
  readonly reasons: readonly WriteReason[];
  constructor(reasons: readonly WriteReason[]) {
    super('The transaction was cancelled: a condition did not hold or another transaction was under way.');
    this.reasons = reasons;
  }
}

/** The store could not answer: dead, throttled, busy, full. Nothing was applied, unless `outcomeUnknown`. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  readonly outcomeUnknown: boolean;
  constructor(message: string, options?: { cause?: unknown; outcomeUnknown?: boolean }) {
    super(message, options);
    this.outcomeUnknown = options?.outcomeUnknown ?? false;
  }
}

export interface RecordStore {
  /** Strongly consistent. At most 100 keys; answers in the order asked. */
  getMany(keys: readonly ItemKey[]): Promise<readonly (Item | undefined)[]>;
  query(query: Query): Promise<Page>;
  /**
   * All or nothing, at most 100 writes, each of another item.
   * `token` makes a repeat of the same transaction within ten minutes a success without effect (DynamoDB ClientRequestToken).
   * @throws TransactionCancelled, StoreUnavailable
   */
  transact(writes: readonly Write[], options?: { token?: string }): Promise<void>;
}
