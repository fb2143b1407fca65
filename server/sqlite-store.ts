/** The record store of a single node: one SQLite file, shared by any number of processes of one machine. */
import { createHash } from 'node:crypto';
import {
  type Condition,
  type IndexName,
  type Item,
  type ItemKey,
  indexNames,
  type Page,
  type Query,
  type RecordStore,
  TransactionCancelled,
  tableNames,
  type Write,
  type WriteReason,
} from '#shared/ports/record-store.ts';
import { checkKeys, checkQuery, checkWrites, keyOfWrite, sortKeyRange } from '#shared/ports/record-store-rules.ts';
import { openSqliteConnection, type Prepare } from './sqlite-connection.ts';
import { physicalTables } from './sqlite-schema.ts';

export interface SqliteStoreOptions {
  readonly path: string;
  /** How long a call waits for another process before it answers StoreUnavailable. */
  readonly busyTimeoutMs?: number;
  /** The file may not grow past this: writes then answer StoreUnavailable. */
  readonly maxFileBytes?: number;
  /** Milliseconds since the epoch; for the ten minutes that transaction tokens live. */
  readonly now?: () => number;
}

export interface SqliteStore extends RecordStore {
  /** Deletes items whose `expiresAt` has passed, at most a thousand per table, and says how many. Call it again while it says more than 0. */
  reclaimExpired(nowSeconds: number): Promise<number>;
  close(): void;
}

const tokenLifeMs = 10 * 60 * 1000;
const reclaimBatch = 1000;
/** As DynamoDB: a page ends when it has this much, whatever the limit. */
const maxPageBytes = 1024 * 1024;
const columns = `pk, sk, rev, body, seal, ${indexNames.map((index) => `${index}_pk, ${index}_sk`).join(', ')}, expires_at`;
const parameters = columns.replaceAll(/\w+/g, '?');

interface Row {
  readonly pk: string;
  readonly sk: string;
  readonly rev: number;
  readonly body: string;
  readonly seal: string | null;
  readonly list_pk: string | null;
  readonly list_sk: string | null;
  readonly due_pk: string | null;
  readonly due_sk: string | null;
  readonly expires_at: number | null;
}

export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const connection = openSqliteConnection({ path: options.path, busyTimeoutMs: options.busyTimeoutMs ?? 5000, maxFileBytes: options.maxFileBytes });
  const now = options.now ?? Date.now;
  return {
    async getMany(keys) {
      checkKeys(keys);
      return connection.read(({ prepare, rows }) => keys.map((key) => rows.get(key, () => readItem(prepare, key))));
    },
    async query(query) {
      checkQuery(query);
      return connection.read(({ prepare }) => readPage(prepare, query));
    },
    async transact(writes, { token } = {}) {
      checkWrites(writes, token);
      await connection.write(({ prepare, rows }) => {
        if (token !== undefined && isRepeat(prepare, token, writes, now())) return;
        const reasons = writes.map((write) => judge(prepare, write));
        if (reasons.some((reason) => reason.failed)) throw new TransactionCancelled(reasons);
        for (const write of writes) {
          apply(prepare, write);
          rows.forget(keyOfWrite(write));
        }
      });
    },
    async reclaimExpired(nowSeconds) {
      return connection.write(({ prepare, rows }) => {
        rows.clear();
        return tableNames.reduce((count, table) => count + reclaim(prepare, physicalTables[table], nowSeconds), 0);
      });
    },
    close: () => connection.close(),
  };
}

function readItem(prepare: Prepare, key: ItemKey): { item: Item; characters: number } | undefined {
  const row = prepare(`SELECT ${columns} FROM ${physicalTables[key.table]} WHERE pk = ? AND sk = ?`).get(key.pk, key.sk) as unknown as Row | undefined;
  return row === undefined ? undefined : { item: toItem(key.table, row), characters: row.body.length };
}

function readPage(prepare: Prepare, query: Query): Page {
  const range = sortKeyRange(query);
  if (range === undefined) return { items: [] };
  const column = query.index === undefined ? '' : `${query.index}_`;
  const conditions = [`${column}pk = ?`];
  const values: (string | number)[] = [query.pk];
  for (const [bound, operator] of [[range.low, '>'] as const, [range.high, '<'] as const]) {
    if (bound === undefined) continue;
    conditions.push(`${column}sk ${operator}${bound.inclusive ? '=' : ''} ?`);
    values.push(bound.value);
  }
  const order = query.descending ? 'DESC' : 'ASC';
  const sql = `SELECT ${columns} FROM ${physicalTables[query.table]} WHERE ${conditions.join(' AND ')} ORDER BY ${column}sk ${order} LIMIT ?`;
  const items: Item[] = [];
  let bytes = 0;
  // One more than asked for tells whether the list goes on.
  for (const row of prepare(sql).iterate(...values, query.limit + 1)) {
    if (items.length === query.limit || bytes >= maxPageBytes) return { items, next: sortKeyOf(items.at(-1)!, query.index) };
    items.push(toItem(query.table, row as unknown as Row));
    bytes += (row as unknown as Row).body.length;
  }
  return { items };
}

function sortKeyOf(item: Item, index: IndexName | undefined): string {
  return index === undefined ? item.sk : item.index![index]!.sk;
}

function judge(prepare: Prepare, write: Write): WriteReason {
  if (write.if === undefined) return { failed: false };
  const key = keyOfWrite(write);
  const row = prepare(`SELECT rev FROM ${physicalTables[key.table]} WHERE pk = ? AND sk = ?`).get(key.pk, key.sk);
  return holds(write.if, row?.rev as number | undefined) ? { failed: false } : { failed: true, cause: 'condition' };
}

function holds(condition: Condition, rev: number | undefined): boolean {
  if ('absent' in condition) return rev === undefined;
  return 'exists' in condition ? rev !== undefined : rev === condition.rev;
}

function apply(prepare: Prepare, write: Write): void {
  if ('check' in write) return;
  if ('delete' in write) {
    prepare(`DELETE FROM ${physicalTables[write.delete.table]} WHERE pk = ? AND sk = ?`).run(write.delete.pk, write.delete.sk);
    return;
  }
  const item = write.put;
  const indexes = indexNames.flatMap((name) => [item.index?.[name]?.pk ?? null, item.index?.[name]?.sk ?? null]);
  prepare(`INSERT OR REPLACE INTO ${physicalTables[item.table]} (${columns}) VALUES (${parameters})`).run(
    item.pk,
    item.sk,
    item.rev,
    JSON.stringify(item.body),
    item.seal ?? null,
    ...indexes,
    item.expiresAt ?? null,
  );
}

/** Remembers the token in the transaction that it names, so that both last or neither does. */
function isRepeat(prepare: Prepare, token: string, writes: readonly Write[], nowMs: number): boolean {
  prepare('DELETE FROM transaction_token WHERE used_at <= ?').run(nowMs - tokenLifeMs);
  const digest = createHash('sha256').update(JSON.stringify(writes)).digest('base64');
  const known = prepare('SELECT digest FROM transaction_token WHERE token = ?').get(token);
  if (known === undefined) {
    prepare('INSERT INTO transaction_token (token, digest, used_at) VALUES (?, ?, ?)').run(token, digest, nowMs);
    return false;
  }
  if (known.digest !== digest) throw new RangeError('The transaction token was used for another transaction.');
  return true;
}

function reclaim(prepare: Prepare, table: string, nowSeconds: number): number {
  const expired = `SELECT rowid FROM ${table} WHERE expires_at <= ? ORDER BY expires_at LIMIT ${reclaimBatch}`;
  return Number(prepare(`DELETE FROM ${table} WHERE rowid IN (${expired})`).run(nowSeconds).changes);
}

function toItem(table: Item['table'], row: Row): Item {
  const { list_pk: listPk, list_sk: listSk, due_pk: duePk, due_sk: dueSk } = row;
  const list = listPk === null ? {} : { list: { pk: listPk, sk: listSk! } };
  const due = duePk === null ? {} : { due: { pk: duePk, sk: dueSk! } };
  return {
    table,
    pk: row.pk,
    sk: row.sk,
    rev: row.rev,
    body: JSON.parse(row.body),
    ...(row.seal === null ? {} : { seal: row.seal }),
    ...(listPk === null && duePk === null ? {} : { index: { ...list, ...due } }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  };
}
