/** Writes to the database file behind the service's back, as somebody with its password could. */
import { DatabaseSync } from 'node:sqlite';
import { physicalTables } from '#server/sqlite-schema.ts';
import type { JsonObject } from '#shared/json.ts';
import type { IndexKey, ItemKey } from '#shared/ports/record-store.ts';

export interface StoredRow {
  readonly rev: number;
  readonly body: JsonObject;
  readonly seal: string | null;
}

export function readRow(path: string, key: ItemKey): StoredRow {
  using db = open(path);
  const row = db.prepare(`SELECT rev, body, seal FROM ${physicalTables[key.table]} WHERE pk = ? AND sk = ?`).get(key.pk, key.sk);
  if (row === undefined) throw new Error(`There is no row ${key.pk} ${key.sk}.`);
  return { rev: Number(row.rev), body: JSON.parse(String(row.body)) as JsonObject, seal: row.seal === null ? null : String(row.seal) };
}

export function editRow(path: string, key: ItemKey, change: (row: StoredRow) => StoredRow): void {
  const { rev, body, seal } = change(readRow(path, key));
  using db = open(path);
  db.prepare(`UPDATE ${physicalTables[key.table]} SET rev = ?, body = ?, seal = ? WHERE pk = ? AND sk = ?`).run(rev, JSON.stringify(body), seal, key.pk, key.sk);
}

export function countRows(path: string, table: ItemKey['table'], pkPrefix: string): number {
  using db = open(path);
  return Number(db.prepare(`SELECT count(*) AS n FROM ${physicalTables[table]} WHERE pk >= ? AND pk < ?`).get(pkPrefix, `${pkPrefix}~`)?.n);
}

function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA busy_timeout = 5000');
  return db;
}

/** Puts a row into a list, as one that nobody sealed, or a row that is there already, as it is. */
export function listRow(path: string, key: ItemKey, position: IndexKey, row?: StoredRow): void {
  using db = open(path);
  const table = physicalTables[key.table];
  if (row !== undefined) db.prepare(`INSERT INTO ${table} (pk, sk, rev, body, seal) VALUES (?, ?, ?, ?, ?)`).run(key.pk, key.sk, row.rev, JSON.stringify(row.body), row.seal);
  const { changes } = db.prepare(`UPDATE ${table} SET list_pk = ?, list_sk = ? WHERE pk = ? AND sk = ?`).run(position.pk, position.sk, key.pk, key.sk);
  if (Number(changes) !== 1) throw new Error(`There is no row ${key.pk} ${key.sk}.`);
}
