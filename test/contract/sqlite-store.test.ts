import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSqliteStore, type SqliteStore, type SqliteStoreOptions } from '#server/sqlite-store.ts';
import { type Item, type ItemKey, StoreUnavailable } from '#shared/ports/record-store.ts';
import { describeRecordStore } from '#test/support/record-store-contract.ts';

describeRecordStore('the SQLite record store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-sqlite-'));
  const path = join(folder, 'chatelaine.db');
  const stores = [createSqliteStore({ path }), createSqliteStore({ path })] as const;
  return {
    store: stores[0],
    second: stores[1],
    async reopen() {
      for (const store of stores) store.close();
      const again = createSqliteStore({ path });
      opened.push(again);
      return again;
    },
    async close() {
      for (const store of [...stores, ...opened.splice(0)]) store.close();
      rmSync(folder, { recursive: true });
    },
  };
});
const opened: SqliteStore[] = [];

describe('the SQLite record store alone', () => {
  let folder: string;
  let path: string;
  const closers: (() => void)[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chatelaine-sqlite-'));
    path = join(folder, 'chatelaine.db');
  });
  afterEach(() => {
    for (const close of closers.splice(0)) close();
    rmSync(folder, { recursive: true });
  });

  function open(options: Partial<SqliteStoreOptions> = {}): SqliteStore {
    const store = createSqliteStore({ path, ...options });
    closers.push(() => store.close());
    return store;
  }

  function raw(): DatabaseSync {
    const db = new DatabaseSync(path, { timeout: 5_000 });
    closers.push(() => {
      if (db.isOpen) db.close();
    });
    return db;
  }

  const key = (sk: string): ItemKey => ({ table: 'core', pk: 'KEY#1', sk });
  const item = (sk: string, text = ''): Item => ({ ...key(sk), rev: 1, body: { text } });

  test('only the owner can read the files', async () => {
    await open().transact([{ put: item('A') }]);

    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('an unchanged row is not read again: it is the same object, which nobody can change', async () => {
    const store = open();
    await store.transact([{ put: { ...item('A'), body: { nested: { list: [1] } }, index: { list: { pk: 'L', sk: 'A' } } } }]);

    const [first] = await store.getMany([key('A')]);
    const [again] = await store.getMany([key('A')]);

    expect(again).toBe(first);
    const nested = first!.body.nested as { list: unknown };
    for (const part of [first, first!.body, nested, nested.list, first!.index, first!.index!.list]) expect(part).toSatisfy(Object.isFrozen);
  });

  test('what any other connection commits, and what this one does, is seen by the very next read of rows that were read before', async () => {
    const [store, second, file] = [open(), open(), raw()];
    const keys = ['A', 'B', 'C', 'D'].map(key);
    const seen = async () => (await store.getMany(keys)).map((row) => row?.body.text);
    await store.transact([{ put: item('A', 'old') }, { put: item('B', 'old') }]);
    expect(await seen()).toEqual(['old', 'old', undefined, undefined]);

    await second.transact([{ put: item('A', 'second') }, { put: item('C', 'second') }]);
    expect(await seen()).toEqual(['second', 'old', 'second', undefined]);

    file.exec(`UPDATE core_item SET body = '{"text":"raw"}' WHERE sk = 'B'`);
    expect(await seen()).toEqual(['second', 'raw', 'second', undefined]);

    await store.transact([{ put: item('D', 'own') }, { delete: key('A') }]);
    expect(await seen()).toEqual([undefined, 'raw', 'second', 'own']);
  });

  test('reads of one turn of the event loop see what another connection committed between them', async () => {
    const store = open();
    const db = raw();
    const key = { table: 'core', pk: 'KEY#turn', sk: 'META' } as const;
    await store.transact([{ put: { ...key, rev: 1, body: { at: 'first' } } }]);
    await store.getMany([key]);

    const before = store.getMany([key]);
    db.exec(`UPDATE core_item SET body = '{"at":"second"}' WHERE pk = 'KEY#turn'`);
    const after = store.getMany([key]);
    const bodies = [...(await before), ...(await after)].map((item) => item?.body);
    db.exec(`UPDATE core_item SET body = '{"at":"third"}' WHERE pk = 'KEY#turn'`);

    expect(bodies).toEqual([{ at: 'second' }, { at: 'second' }]);
    expect((await store.getMany([key]))[0]?.body).toEqual({ at: 'third' });
  });

  test('a transaction that fails leaves the rows as they are in the file, and reclaimed rows are gone', async () => {
    const store = open();
    await store.transact([{ put: { ...item('A', 'kept'), expiresAt: 10 } }]);
    await store.getMany([key('A')]);

    await expect(store.transact([{ put: item('A', 'lost') }, { check: key('B'), if: { exists: true } }])).rejects.toThrow();
    expect((await store.getMany([key('A')]))[0]?.body.text).toBe('kept');
    await store.reclaimExpired(11);
    expect(await store.getMany([key('A')])).toEqual([undefined]);
  });

  test('every write acknowledged before kill -9 is there, whole, and the file is sound', async () => {
    const writers = ['A', 'B'].map((name) => startWriter(path, name));
    await Promise.all(writers.map((writer) => writer.reached(40)));

    for (const writer of writers) writer.child.kill('SIGKILL');
    await Promise.all(writers.map((writer) => writer.ended));

    const store = open();
    const acknowledged = writers.map((writer) => writer.last());
    for (const [index, name] of ['A', 'B'].entries()) {
      const written = await store.query({ table: 'core', pk: 'WRITTEN', prefix: `${name}#`, limit: 1000 });
      const companions = await store.query({ table: 'ops', pk: 'WRITTEN', prefix: `${name}#`, limit: 1000 });
      const indexed = await store.query({ table: 'core', index: 'list', pk: 'LIST', prefix: `${name}#`, limit: 1000 });
      expect(written.items.length).toBeGreaterThanOrEqual(acknowledged[index]!);
      expect(written.items.map((found) => found.body.number)).toEqual(written.items.map((_, position) => position + 1));
      expect(companions.items.map((found) => found.sk)).toEqual(written.items.map((found) => found.sk));
      expect(indexed.items).toEqual(written.items);
    }
    const counter = (await store.getMany([{ table: 'core', pk: 'COUNTER', sk: 'META' }]))[0]!;
    expect(counter.body.count).toBeGreaterThanOrEqual(acknowledged[0]! + acknowledged[1]!);
    expect(raw().prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
  });

  test('a full disk answers StoreUnavailable, applies nothing, leaves reads working, and is over when there is room again', async () => {
    const store = open({ maxFileBytes: 400_000 });
    const write = (sk: string) => store.transact([{ put: item(sk, 'x'.repeat(20_000)), if: { absent: true } }, { put: { ...item(sk), table: 'ops' } }]);
    let written = 0;
    let failure: unknown;
    while (failure === undefined) {
      await write(`N#${written}`).then(
        () => written++,
        (error: unknown) => {
          failure = error;
        },
      );
    }

    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect((failure as StoreUnavailable).outcomeUnknown).toBe(false);
    expect(written).toBeGreaterThan(5);
    for (const table of ['core', 'ops'] as const) expect((await store.query({ table, pk: 'KEY#1', limit: 1000 })).items).toHaveLength(written);
    await store.transact([{ delete: key('N#0') }, { delete: key('N#1') }]);
    await write('AGAIN');
    expect((await store.getMany([key('AGAIN')]))[0]).toBeDefined();
  });

  test('while another process holds the write lock, writes answer StoreUnavailable and reads go on', async () => {
    const store = open({ busyTimeoutMs: 60 });
    await store.transact([{ put: item('A') }]);
    const other = raw();
    other.exec('BEGIN IMMEDIATE');

    await expect(store.transact([{ put: item('B') }])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.getMany([key('A'), key('B')])).toStrictEqual([item('A'), undefined]);

    other.exec('ROLLBACK');
    await store.transact([{ put: item('B') }]);
    expect((await store.getMany([key('B')]))[0]).toBeDefined();
  });

  test('a write waits for a lock that is let go in time, and the event loop runs on meanwhile', async () => {
    const store = open({ busyTimeoutMs: 20_000 });
    const other = raw();
    other.exec('BEGIN IMMEDIATE');

    const writing = store.transact([{ put: item('A') }]);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
    other.exec('ROLLBACK');
    await writing;

    expect((await store.getMany([key('A')]))[0]).toBeDefined();
  });

  test('a file that goes away under the store refuses writes instead of losing them, and works again when it is back', async () => {
    const store = open();
    await store.transact([{ put: item('A') }]);
    renameSync(path, `${path}.away`);

    await expect(store.transact([{ put: item('B') }])).rejects.toThrow('moved or deleted');
    await expect(store.transact([{ put: item('B') }])).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.getMany([key('A')])).rejects.toBeInstanceOf(StoreUnavailable);

    renameSync(`${path}.away`, path);
    await store.transact([{ put: item('B') }]);
    expect((await store.getMany([key('A'), key('B')])).map((found) => found?.sk)).toEqual(['A', 'B']);
  });

  test('a file that is no database answers StoreUnavailable at opening and is not touched', () => {
    writeFileSync(path, 'this is not a database, and long enough to be read as one'.repeat(20));

    expect(() => open()).toThrow(StoreUnavailable);

    expect(statSync(path).size).toBe(57 * 20);
  });

  test('a file of a newer version is refused with a message that says what to do', async () => {
    open().close();
    const db = raw();
    db.exec('PRAGMA user_version = 2');

    expect(() => open()).toThrow(/written by a newer version of Chatelaine \(schema 2; this version knows up to 1\)/);
  });

  test("another program's database is refused", () => {
    const db = raw();
    db.exec('CREATE TABLE theirs (a)');

    expect(() => open()).toThrow('a SQLite database of another program');
  });

  test('a closed store answers StoreUnavailable', async () => {
    const store = open();
    store.close();

    await expect(store.getMany([key('A')])).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.transact([{ put: item('A') }])).rejects.toBeInstanceOf(StoreUnavailable);
  });

  test('a transaction token lives ten minutes', async () => {
    let nowMs = 1_000_000;
    const store = open({ now: () => nowMs });
    const create = () => store.transact([{ put: item('A'), if: { absent: true } }], { token: 'token' });
    await create();

    nowMs += 10 * 60 * 1000 - 1;
    await create();
    nowMs += 1;

    await expect(create()).rejects.toThrow('cancelled');
  });

  test('reclaiming deletes what has expired, with its index entries, and nothing else', async () => {
    const store = open();
    const expiring = (sk: string, expiresAt: number): Item => ({ ...item(sk), expiresAt, index: { due: { pk: 'DUE', sk } } });
    await store.transact([
      { put: expiring('OLD', 99) },
      { put: expiring('NOW', 100) },
      { put: expiring('NEW', 101) },
      { put: item('KEPT') },
      { put: { ...expiring('OLD', 1), table: 'ops' } },
    ]);

    const reclaimed = await store.reclaimExpired(100);

    expect(reclaimed).toBe(3);
    expect((await store.query({ table: 'core', pk: 'KEY#1', limit: 10 })).items.map((found) => found.sk)).toEqual(['KEPT', 'NEW']);
    expect((await store.query({ table: 'core', index: 'due', pk: 'DUE', limit: 10 })).items.map((found) => found.sk)).toEqual(['NEW']);
    expect(await store.reclaimExpired(100)).toBe(0);
  });

  test('a deleted body does not stay readable in the file', async () => {
    const store = open();
    await store.transact([{ put: { ...item('A', 'SENTINEL-BODY'), table: 'material' } }]);
    await store.transact([{ delete: { ...key('A'), table: 'material' } }]);

    store.close();

    const { readFileSync } = await import('node:fs');
    expect(readFileSync(path).includes('SENTINEL-BODY')).toBe(false);
  });
});

interface Writer {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  last(): number;
  /** Resolves when that many writes were acknowledged; rejects when the process ends before. */
  reached(count: number): Promise<void>;
}

function startWriter(path: string, name: string): Writer {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/sqlite-writer.ts'), path, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let last = 0;
  const waiting: { count: number; resolve: () => void }[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    last = Number(line);
    for (const wait of waiting) if (last >= wait.count) wait.resolve();
  });
  return {
    child,
    ended,
    last: () => last,
    reached: (count) =>
      Promise.race([
        new Promise<void>((resolve) => waiting.push({ count, resolve })),
        ended.then(() => {
          throw new Error(`The writer ended after ${last} writes.`);
        }),
      ]),
  };
}
