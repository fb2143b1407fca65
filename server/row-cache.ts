/**
 * Rows that were read before, held as long as nothing was committed to the file. SQLite tells that for the price of one row (PRAGMA data_version: another
 * number after each commit of another connection, of this process or not), so what is read is as fresh as from the file, and an unchanged row is the same object.
 */
import type { JsonValue } from '#shared/json.ts';
import type { Item, ItemKey } from '#shared/ports/record-store.ts';
import { itemName } from '#shared/ports/record-store-rules.ts';

/** A deleted wrapped key must not stay behind in a row that nobody asks for: the cache is small, and each change by another connection empties it. */
const charactersMax = 16 * 1024 * 1024;
const rowsMax = 20_000;
/** What an absent row and the names of a row are taken to need. */
const charactersOfRow = 200;

export class RowCache {
  readonly #rows = new Map<string, { readonly item: Item | undefined; readonly characters: number }>();
  #characters = 0;
  #version: unknown;

  /** Must come before `get` in each read. @param version of the file, as its connection sees it now */
  settle(version: unknown): void {
    if (version !== this.#version) this.clear();
    this.#version = version;
  }

  /** @param read gives the row and the length of its text */
  get(key: ItemKey, read: () => { readonly item: Item; readonly characters: number } | undefined): Item | undefined {
    const name = itemName(key);
    const known = this.#rows.get(name);
    if (known !== undefined) return known.item;
    const row = read();
    const characters = charactersOfRow + (row?.characters ?? 0);
    if (this.#characters + characters > charactersMax || this.#rows.size >= rowsMax) this.clear();
    this.#rows.set(name, { item: row === undefined ? undefined : frozen(row.item), characters });
    this.#characters += characters;
    return row?.item;
  }

  /** For a row that this connection is about to change: its own commits do not change the version. */
  forget(key: ItemKey): void {
    const name = itemName(key);
    this.#characters -= this.#rows.get(name)?.characters ?? 0;
    this.#rows.delete(name);
  }

  clear(): void {
    this.#rows.clear();
    this.#characters = 0;
  }
}

/** Many requests share the object: none may change it. */
function frozen(item: Item): Item {
  freezeValue(item.body);
  for (const position of Object.values(item.index ?? {})) Object.freeze(position);
  Object.freeze(item.index);
  return Object.freeze(item);
}

function freezeValue(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) freezeValue(member as JsonValue);
  Object.freeze(value);
}
