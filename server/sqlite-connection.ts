/**
 * One connection to the database file that looks after itself: it waits for other processes without stopping the event loop, turns SQLite's
 * failures into StoreUnavailable, never leaves a transaction open, and opens the file again after a failure that may have spoiled the connection.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { RowCache } from './row-cache.ts';
import { migrate } from './sqlite-schema.ts';

export interface SqliteConnectionOptions {
  readonly path: string;
  readonly busyTimeoutMs: number;
  /** The file may not grow past this. */
  readonly maxFileBytes?: number | undefined;
}

/** Gives the prepared statement of a text, prepared once per connection. */
export type Prepare = (sql: string) => StatementSync;

/** What a piece of work has of the connection that it runs on. */
export interface Connected {
  readonly prepare: Prepare;
  /** Of this connection. Settled for reads; work that writes must forget what it changes. */
  readonly rows: RowCache;
}

export interface SqliteConnection {
  read<T>(work: (connected: Connected) => T): Promise<T>;
  /** Runs the work in one write transaction. When it throws, nothing is applied. It may run more than once. */
  write<T>(work: (connected: Connected) => T): Promise<T>;
  close(): void;
}

const pageBytes = 4096;
/** SQLite itself waits this long, which stops the event loop; longer waits are ours. */
const blockingWaitMs = 5;
const maxPauseMs = 25;

const resultCode = { busy: 5, locked: 6, noMemory: 7, readOnly: 8, interrupted: 9, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, protocol: 15, notADatabase: 26 } as const;
const waitable: ReadonlySet<number> = new Set([resultCode.busy, resultCode.locked, resultCode.protocol]);
const transient: ReadonlySet<number> = new Set(Object.values(resultCode));
/** After these the connection itself is sound. */
const harmless: ReadonlySet<number> = new Set([resultCode.busy, resultCode.locked, resultCode.full, resultCode.interrupted]);

export function openSqliteConnection(options: SqliteConnectionOptions): SqliteConnection {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
  // Made by us first, so that only this user can read it; SQLite gives its -wal and -shm files the same mode.
  closeSync(openSync(options.path, 'a', 0o600));
  let open: OpenFile | undefined = translated(() => openFile(options));
  let closed = false;

  function current(): OpenFile {
    if (closed) throw new StoreUnavailable('The store is closed.');
    open ??= openFile(options);
    return open;
  }

  function drop(): void {
    const file = open;
    open = undefined;
    try {
      file?.db.close();
    } catch {
      // The connection was already unusable.
    }
  }

  /** Until the deadline, tries again when another process holds the lock. */
  async function attempt<T>(work: (file: OpenFile) => T): Promise<T> {
    const deadline = performance.now() + options.busyTimeoutMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
      try {
        return work(current());
      } catch (error) {
        const code = primaryCode(error);
        if (code !== undefined && transient.has(code) && !harmless.has(code)) drop();
        if (code === undefined || !waitable.has(code) || performance.now() + pauseMs > deadline) throw toStoreError(error);
      }
      await sleep(pauseMs * (0.5 + Math.random() / 2));
    }
  }

  let turns = 0;
  let thisTurn: Promise<number> | undefined;
  /** Reads that are asked for in one turn of the event loop share one look at the file. It comes after all of them, so it is as late as each one's own would be. */
  function endOfTurn(): Promise<number> {
    thisTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        thisTurn = undefined;
        turns += 1;
        resolve(turns);
      });
    });
    return thisTurn;
  }

  return {
    async read(work) {
      const turn = await endOfTurn();
      return await attempt((file) => {
        if (file.lookedIn !== turn) file.rows.settle(file.prepare('PRAGMA data_version').get()?.data_version);
        file.lookedIn = turn;
        return work(file);
      });
    },
    write: (work) =>
      attempt((file) => {
        if (!isSameFile(file, options.path)) {
          drop();
          throw new StoreUnavailable('The database file was moved or deleted while it was in use.');
        }
        return inTransaction(file, work);
      }),
    close() {
      closed = true;
      drop();
    },
  };
}

interface OpenFile extends Connected {
  readonly db: DatabaseSync;
  /** The turn at whose end the file was last looked at. */
  lookedIn: number;
  readonly inode: number;
}

function openFile(options: SqliteConnectionOptions): OpenFile {
  // SQLite would make an empty file where ours has gone, and every key would seem never to have been.
  const before = statSync(options.path, { throwIfNoEntry: false });
  if (before === undefined) throw new StoreUnavailable('The database file is gone.');
  const db = new DatabaseSync(options.path, { timeout: options.busyTimeoutMs, enableForeignKeyConstraints: false });
  try {
    enterWal(db, options.busyTimeoutMs);
    // FULL: a commit is on the disk when it is answered. secure_delete: bytes of a deleted wrapped key do not stay in free pages.
    for (const setting of [
      'synchronous = FULL',
      'fullfsync = ON',
      'checkpoint_fullfsync = ON',
      'secure_delete = ON',
      'trusted_schema = OFF',
      'cell_size_check = ON',
      'temp_store = MEMORY',
    ])
      db.exec(`PRAGMA ${setting}`);
    db.exec('PRAGMA cache_size = -32768');
    db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
    if (options.maxFileBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.maxFileBytes / pageBytes))}`);
    migrate(db, options.path);
    db.exec(`PRAGMA busy_timeout = ${Math.min(blockingWaitMs, options.busyTimeoutMs)}`);
  } catch (error) {
    db.close();
    throw error;
  }
  return { db, prepare: statementCache(db), rows: new RowCache(), inode: before.ino, lookedIn: 0 };
}

/** The change to WAL needs the file alone for a moment, and SQLite does not always wait for that itself. */
function enterWal(db: DatabaseSync, busyTimeoutMs: number): void {
  const deadline = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
      if (mode !== 'wal') throw new Error(`The database file cannot be used in WAL mode (it is in ${String(mode)}). Network file systems cannot hold it.`);
      return;
    } catch (error) {
      if (primaryCode(error) !== resultCode.busy || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function statementCache(db: DatabaseSync): Prepare {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
}

function inTransaction<T>(file: OpenFile, work: (connected: Connected) => T): T {
  let committing = false;
  // IMMEDIATE takes the write lock first, so what the conditions read cannot change before the commit.
  file.prepare('BEGIN IMMEDIATE').run();
  try {
    const result = work(file);
    committing = true;
    file.prepare('COMMIT').run();
    return result;
  } catch (error) {
    if (file.db.isTransaction) file.prepare('ROLLBACK').run();
    // The commit frame may be on the disk although SQLite reported a failure: only a later read can tell.
    if (committing && primaryCode(error) === resultCode.ioError) throw new CommitFailed(error);
    throw error;
  }
}

class CommitFailed extends Error {
  override readonly name = 'CommitFailed';
  constructor(cause: unknown) {
    super('The commit failed.', { cause });
  }
}

function isSameFile(file: OpenFile, path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === file.inode;
}

/** SQLite's result code without its detail, when the error is SQLite's. */
function primaryCode(error: unknown): number | undefined {
  const source = error instanceof CommitFailed ? error.cause : error;
  return source instanceof Error && 'errcode' in source && typeof source.errcode === 'number' ? source.errcode & 0xff : undefined;
}

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toStoreError(error);
  }
}

function toStoreError(error: unknown): unknown {
  const code = primaryCode(error);
  if (code === undefined || !transient.has(code)) return error;
  const outcomeUnknown = error instanceof CommitFailed;
  const cause = outcomeUnknown ? error.cause : error;
  return new StoreUnavailable(`The database file cannot be used now: ${(cause as Error).message}.`, { cause, outcomeUnknown });
}
