/** What the parts of the RecordStore contract suite share. */
import { expect } from 'vitest';
import { type Item, type ItemKey, type Page, type Query, type RecordStore, TransactionCancelled } from '#shared/ports/record-store.ts';

export interface OpenedStore {
  readonly store: RecordStore;
  /** Another connection to the same data, as another process would have. */
  readonly second?: RecordStore;
  /** Ends the connection and opens the same data again. */
  readonly reopen?: () => Promise<RecordStore>;
  readonly close: () => Promise<void>;
}

export const key = (sk: string, pk = 'KEY#1'): ItemKey => ({ table: 'core', pk, sk });
export const item = (sk: string, rev = 1, extra: Partial<Item> = {}): Item => ({ ...key(sk), rev, body: { name: sk }, ...extra });

export async function read(store: RecordStore, itemKey: ItemKey): Promise<Item | undefined> {
  return (await store.getMany([itemKey]))[0];
}

/** The reasons of the cancellation; fails when the transaction was applied. */
export async function reasonsOf(transaction: Promise<void>): Promise<TransactionCancelled['reasons']> {
  const error = await transaction.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TransactionCancelled);
  return (error as TransactionCancelled).reasons;
}

export async function allPages(store: RecordStore, query: Query): Promise<Page[]> {
  const pages: Page[] = [];
  for (let after = query.after; ; ) {
    const page = await store.query(after === undefined ? query : { ...query, after });
    pages.push(page);
    if (page.next === undefined) return pages;
    expect(page.next).not.toBe(after);
    after = page.next;
  }
}

export const sortKeys = (items: readonly Item[]) => items.map((found) => found.sk);
