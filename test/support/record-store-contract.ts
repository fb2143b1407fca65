/** The guarantees of the RecordStore port. Every adapter runs this suite, so that the layers above need not know which store they stand on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Item, type ItemKey, type Page, type Query, type RecordStore, StoreUnavailable, TransactionCancelled } from '#shared/ports/record-store.ts';

export interface OpenedStore {
  readonly store: RecordStore;
  /** Another connection to the same data, as another process would have. */
  readonly second?: RecordStore;
  /** Ends the connection and opens the same data again. */
  readonly reopen?: () => Promise<RecordStore>;
  readonly close: () => Promise<void>;
}

const key = (sk: string, pk = 'KEY#1'): ItemKey => ({ table: 'core', pk, sk });
const item = (sk: string, rev = 1, extra: Partial<Item> = {}): Item => ({ ...key(sk), rev, body: { name: sk }, ...extra });

/** Runs the guarantees against a store that `open` makes empty for each test. */
export function describeRecordStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => {
      await opened.close();
    });
    describe('items', () => describeItems(() => opened));
    describe('conditions and transactions', () => describeConditions(() => opened));
    describe('racing writers', () => describeRaces(() => opened));
    describe('transaction tokens', () => describeTokens(() => opened));
    describe('queries', () => describeQueries(() => opened));
    describe('indexes', () => describeIndexes(() => opened));
    describe('limits', () => describeLimits(() => opened));
  });
}

async function read(store: RecordStore, itemKey: ItemKey): Promise<Item | undefined> {
  return (await store.getMany([itemKey]))[0];
}

/** The reasons of the cancellation; fails when the transaction was applied. */
async function reasonsOf(transaction: Promise<void>): Promise<TransactionCancelled['reasons']> {
  const error = await transaction.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TransactionCancelled);
  return (error as TransactionCancelled).reasons;
}

async function allPages(store: RecordStore, query: Query): Promise<Page[]> {
  const pages: Page[] = [];
  for (let after = query.after; ; ) {
    const page = await store.query(after === undefined ? query : { ...query, after });
    pages.push(page);
    if (page.next === undefined) return pages;
    expect(page.next).not.toBe(after);
    after = page.next;
  }
}

const sortKeys = (items: readonly Item[]) => items.map((found) => found.sk);

function describeItems(opened: () => OpenedStore): void {
  test('an item comes back as it was put, with every member', async () => {
    const { store } = opened();
    const full = item('META', 7, {
      body: { text: 'é😀\u0000"\\', number: 12345678901234.5, small: 1e-7, list: [null, true, { deep: [] }], empty: '', ['__proto__']: 'own' },
      seal: 'c2VhbA==',
      index: { list: { pk: 'LIST#1', sk: 'a' }, due: { pk: 'DUE#1', sk: 'b' } },
      expiresAt: 4102444800,
    });

    await store.transact([{ put: full }]);

    expect(await read(store, full)).toStrictEqual(full);
  });

  test('optional members that were not put are not there', async () => {
    const { store } = opened();

    await store.transact([{ put: item('META') }]);

    expect(Object.keys((await read(store, key('META')))!).sort()).toEqual(['body', 'pk', 'rev', 'sk', 'table']);
  });

  test('a body keeps the order of its members', async () => {
    const { store } = opened();

    await store.transact([{ put: item('META', 1, { body: { z: 1, a: 2, m: { y: 1, b: 2 } } }) }]);

    expect(JSON.stringify((await read(store, key('META')))!.body)).toBe('{"z":1,"a":2,"m":{"y":1,"b":2}}');
  });

  test('a read answers in the order asked, over all tables, with gaps and repeats', async () => {
    const { store } = opened();
    await store.transact([{ put: item('A') }, { put: { ...item('A', 2), table: 'material' } }, { put: { ...item('A', 3), table: 'ops' } }]);

    const found = await store.getMany([{ ...key('A'), table: 'ops' }, key('B'), key('A'), { ...key('A'), table: 'material' }, key('A')]);

    expect(found.map((each) => each?.rev)).toEqual([3, undefined, 1, 2, 1]);
    expect(found[3]!.table).toBe('material');
  });

  test('a read of no keys answers nothing', async () => {
    expect(await opened().store.getMany([])).toEqual([]);
  });

  test('a read after a write sees the write, also on another connection', async () => {
    const { store, second = store } = opened();

    for (let rev = 1; rev <= 20; rev++) {
      await store.transact([{ put: item('META', rev) }]);

      expect((await read(second, key('META')))!.rev).toBe(rev);
    }
  });

  test('a put replaces the whole item', async () => {
    const { store } = opened();
    await store.transact([{ put: item('META', 1, { seal: 'old', body: { old: true }, index: { due: { pk: 'DUE', sk: '1' } }, expiresAt: 4102444800 }) }]);

    await store.transact([{ put: item('META', 2, { body: { new: true } }) }]);

    expect(await read(store, key('META'))).toStrictEqual(item('META', 2, { body: { new: true } }));
  });

  test('a deleted item is gone, and deleting it again succeeds', async () => {
    const { store } = opened();
    await store.transact([{ put: item('META') }]);

    await store.transact([{ delete: key('META') }]);
    await store.transact([{ delete: key('META') }]);

    expect(await read(store, key('META'))).toBeUndefined();
  });

  test('keys and bodies may be any Unicode text', async () => {
    const { store } = opened();
    const names = ['ключ', '鍵', '🗝️', 'e\u0301', '\u00e9', 'quote\'"`;--', 'percent%_', 'A', 'a'];

    await store.transact(names.map((name) => ({ put: { ...key(name, `KEY#${name}`), rev: 1, body: { name } } })));

    const found = await store.getMany(names.map((name) => key(name, `KEY#${name}`)));
    expect(found.map((each) => each?.body.name)).toEqual(names);
  });

  test('items survive a restart', async () => {
    const { store, reopen } = opened();
    await store.transact([{ put: item('A') }, { put: item('B', 4, { seal: 'c2VhbA==' }) }]);

    const again = reopen === undefined ? store : await reopen();

    expect(await again.getMany([key('A'), key('B')])).toStrictEqual([item('A'), item('B', 4, { seal: 'c2VhbA==' })]);
  });
}

function describeConditions(opened: () => OpenedStore): void {
  test('a put on absence makes an item once', async () => {
    const { store } = opened();

    await store.transact([{ put: item('META'), if: { absent: true } }]);
    const reasons = await reasonsOf(store.transact([{ put: item('META', 9), if: { absent: true } }]));

    expect(reasons).toEqual([{ failed: true, cause: 'condition' }]);
    expect((await read(store, key('META')))!.rev).toBe(1);
  });

  test.each([{ exists: true } as const, { rev: 1 }])('a put on %o is refused when there is no item', async (condition) => {
    const { store } = opened();

    const reasons = await reasonsOf(store.transact([{ put: item('META', 2), if: condition }]));

    expect(reasons).toEqual([{ failed: true, cause: 'condition' }]);
    expect(await read(store, key('META'))).toBeUndefined();
  });

  test('a put on a revision holds only at that revision', async () => {
    const { store } = opened();
    await store.transact([{ put: item('META', 3) }]);

    await reasonsOf(store.transact([{ put: item('META', 5), if: { rev: 4 } }]));
    await reasonsOf(store.transact([{ put: item('META', 5), if: { rev: 2 } }]));
    await store.transact([{ put: item('META', 4), if: { rev: 3 } }]);

    expect((await read(store, key('META')))!.rev).toBe(4);
  });

  test('a put on existence replaces what is there', async () => {
    const { store } = opened();
    await store.transact([{ put: item('META', 3) }]);

    await store.transact([{ put: item('META', 4), if: { exists: true } }]);

    expect((await read(store, key('META')))!.rev).toBe(4);
  });

  test('a delete holds to its condition', async () => {
    const { store } = opened();
    await store.transact([{ put: item('META', 3) }]);

    await reasonsOf(store.transact([{ delete: key('META'), if: { rev: 2 } }]));
    expect((await read(store, key('META')))!.rev).toBe(3);

    await store.transact([{ delete: key('META'), if: { rev: 3 } }]);
    expect(await read(store, key('META'))).toBeUndefined();
    await reasonsOf(store.transact([{ delete: key('META'), if: { exists: true } }]));
    await store.transact([{ delete: key('META'), if: { absent: true } }]);
  });

  test('a check alone changes nothing and tells whether it held', async () => {
    const { store } = opened();
    await store.transact([{ put: item('META', 3) }]);

    await store.transact([{ check: key('META'), if: { rev: 3 } }]);
    await store.transact([{ check: key('META'), if: { exists: true } }]);
    await store.transact([{ check: key('NONE'), if: { absent: true } }]);
    await reasonsOf(store.transact([{ check: key('META'), if: { absent: true } }]));
    await reasonsOf(store.transact([{ check: key('META'), if: { rev: 4 } }]));
    await reasonsOf(store.transact([{ check: key('NONE'), if: { exists: true } }]));

    expect(await read(store, key('META'))).toStrictEqual(item('META', 3));
  });

  test('when one condition fails nothing is applied, and the reasons stand in the order of the writes', async () => {
    const { store } = opened();
    await store.transact([{ put: item('A') }, { put: item('B') }, { put: { ...item('C'), table: 'ops' } }]);

    const reasons = await reasonsOf(
      store.transact([
        { put: item('A', 2), if: { rev: 1 } },
        { check: key('B'), if: { rev: 8 } },
        { delete: { ...key('C'), table: 'ops' } },
        { put: item('D'), if: { exists: true } },
        { put: item('E'), if: { absent: true } },
      ]),
    );

    expect(reasons.map((reason) => reason.failed)).toEqual([false, true, false, true, false]);
    expect(reasons[1]!.cause).toBe('condition');
    expect(reasons[3]!.cause).toBe('condition');
    const found = await store.getMany([key('A'), key('B'), { ...key('C'), table: 'ops' }, key('D'), key('E')]);
    expect(found.map((each) => each?.rev)).toEqual([1, 1, 1, undefined, undefined]);
  });

  test('a transaction over all tables is applied whole', async () => {
    const { store } = opened();
    await store.transact([{ put: item('OLD') }]);

    await store.transact([
      { put: item('A'), if: { absent: true } },
      { put: { ...item('A'), table: 'material' }, if: { absent: true } },
      { put: { ...item('A'), table: 'ops' } },
      { delete: key('OLD'), if: { rev: 1 } },
      { check: key('OTHER'), if: { absent: true } },
    ]);

    const found = await store.getMany([key('A'), { ...key('A'), table: 'material' }, { ...key('A'), table: 'ops' }, key('OLD')]);
    expect(found.map((each) => each?.rev)).toEqual([1, 1, 1, undefined]);
  });
}

function describeRaces(opened: () => OpenedStore): void {
  const racers = 50;
  const pick = (index: number) => {
    const { store, second = store } = opened();
    return index % 2 === 0 ? store : second;
  };

  test.each([1, 2])('of 50 racing conditional updates (%i writes each) exactly one wins', async (writes) => {
    await pick(0).transact([{ put: item('META') }]);

    const outcomes = await Promise.allSettled(
      Array.from({ length: racers }, (_, racer) =>
        pick(racer).transact([
          { put: item('META', 2, { body: { racer } }), if: { rev: 1 } },
          ...(writes === 2 ? [{ put: item(`EVT#${racer}`), if: { absent: true } } as const] : []),
        ]),
      ),
    );

    const winners = outcomes.flatMap((outcome, racer) => (outcome.status === 'fulfilled' ? [racer] : []));
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(TransactionCancelled);
    expect((await read(pick(1), key('META')))!.body).toEqual({ racer: winners[0] });
    expect(sortKeys((await pick(0).query({ table: 'core', pk: 'KEY#1', prefix: 'EVT#', limit: 100 })).items)).toEqual(writes === 2 ? [`EVT#${winners[0]}`] : []);
  });

  test('of 50 racing creations exactly one wins', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: racers }, (_, racer) => pick(racer).transact([{ put: item('META', 1, { body: { racer } }), if: { absent: true } }])),
    );

    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  });

  test('50 racing read-modify-write loops lose no increment', async () => {
    await pick(0).transact([{ put: item('COUNT', 1, { body: { count: 0 } }) }]);
    const increment = async (store: RecordStore): Promise<void> => {
      for (;;) {
        const found = (await read(store, key('COUNT')))!;
        const next: Item = { ...found, rev: found.rev + 1, body: { count: (found.body.count as number) + 1 } };
        try {
          return await store.transact([{ put: next, if: { rev: found.rev } }]);
        } catch (error) {
          if (!(error instanceof TransactionCancelled)) throw error;
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
        }
      }
    };

    await Promise.all(Array.from({ length: racers }, (_, racer) => increment(pick(racer))));

    expect(await read(pick(1), key('COUNT'))).toStrictEqual(item('COUNT', racers + 1, { body: { count: racers } }));
  });

  test('racing transactions that touch the same items in opposite order never mix', async () => {
    const sides = ['A', 'B'];
    await pick(0).transact(sides.map((side) => ({ put: item(side, 1, { body: { writer: -1 } }) })));

    await Promise.allSettled(
      Array.from({ length: 30 }, (_, writer) => {
        const order = writer % 2 === 0 ? sides : sides.toReversed();
        return pick(writer).transact(order.map((side) => ({ put: item(side, 2, { body: { writer } }) })));
      }),
    );

    const [first, second] = await pick(0).getMany([key('A'), key('B')]);
    expect(first!.body).toEqual(second!.body);
  });
}

function describeTokens(opened: () => OpenedStore): void {
  test('a repeat of a transaction with its token succeeds and changes nothing', async () => {
    const { store, second = store } = opened();
    const token = crypto.randomUUID();
    await store.transact([{ put: item('META') }, { put: item('EVT#1'), if: { absent: true } }], { token });
    await store.transact([{ put: item('META', 2) }, { delete: key('EVT#1') }]);

    await second.transact([{ put: item('META') }, { put: item('EVT#1'), if: { absent: true } }], { token });

    const found = await store.getMany([key('META'), key('EVT#1')]);
    expect(found.map((each) => each?.rev)).toEqual([2, undefined]);
  });

  test('a token holds for a transaction of one write too', async () => {
    const { store } = opened();
    const token = crypto.randomUUID();
    await store.transact([{ put: item('META'), if: { absent: true } }], { token });

    await store.transact([{ put: item('META'), if: { absent: true } }], { token });

    expect((await read(store, key('META')))!.rev).toBe(1);
  });

  test('a token of a cancelled transaction may be used again', async () => {
    const { store } = opened();
    const token = crypto.randomUUID();
    await store.transact([{ put: item('META') }]);
    await reasonsOf(store.transact([{ delete: key('META'), if: { rev: 2 } }], { token }));
    await store.transact([{ put: item('META', 2) }]);

    await store.transact([{ delete: key('META'), if: { rev: 2 } }], { token });

    expect(await read(store, key('META'))).toBeUndefined();
  });

  test('a token that was used for another transaction is refused', async () => {
    const { store } = opened();
    const token = crypto.randomUUID();
    await store.transact([{ put: item('A') }], { token });

    await expect(store.transact([{ put: item('B') }], { token })).rejects.toThrow('used for another transaction');

    expect(await read(store, key('B'))).toBeUndefined();
  });
}

function describeQueries(opened: () => OpenedStore): void {
  // In the order of UTF-8 bytes. JavaScript's own order would put U+FF5E after U+1F511.
  const ordered = ['A', 'EVT#1', 'EVT#10', 'EVT#2', 'EVT$', 'META', 'VER#1', 'VER#2', 'a', '\u00e9', '\uff5e', '\u{1f511}'];
  const whole = { table: 'core', pk: 'KEY#1', limit: 100 } as const;

  beforeEach(async () => {
    const { store } = opened();
    await store.transact(ordered.toReversed().map((sk) => ({ put: item(sk) })));
    await store.transact([{ put: { ...item('META'), pk: 'KEY#2' } }, { put: { ...item('META'), table: 'ops' } }, { put: { ...item('META'), pk: 'KEY#10' } }]);
  });

  test('a query answers all items of one partition, and no other, in the order of the sort key', async () => {
    const page = await opened().store.query(whole);

    expect(sortKeys(page.items)).toEqual(ordered);
    expect(page.next).toBeUndefined();
    expect(page.items[0]).toStrictEqual(item('A'));
  });

  test('a query of an unknown partition is empty', async () => {
    expect((await opened().store.query({ ...whole, pk: 'KEY#9' })).items).toEqual([]);
  });

  test.each<[string, Partial<Query>, string[]]>([
    ['prefix', { prefix: 'EVT#' }, ['EVT#1', 'EVT#10', 'EVT#2']],
    ['prefix and after', { prefix: 'EVT#', after: 'EVT#1' }, ['EVT#10', 'EVT#2']],
    ['prefix and an after below it', { prefix: 'EVT#', after: 'A' }, ['EVT#1', 'EVT#10', 'EVT#2']],
    ['prefix and an after above it', { prefix: 'EVT#', after: 'META' }, []],
    ['prefix, descending', { prefix: 'EVT#', descending: true }, ['EVT#2', 'EVT#10', 'EVT#1']],
    ['prefix and after, descending', { prefix: 'EVT#', after: 'EVT#2', descending: true }, ['EVT#10', 'EVT#1']],
    ['prefix of the last code point', { prefix: '\u{10ffff}' }, []],
    ['prefix of the last character before the surrogates', { prefix: '\ud7ff' }, []],
    ['prefix beyond the basic plane', { prefix: '\u{1f511}' }, ['\u{1f511}']],
    ['after', { after: 'VER#1' }, ['VER#2', 'a', '\u00e9', '\uff5e', '\u{1f511}']],
    ['after a key that is not there', { after: 'VER#11' }, ['VER#2', 'a', '\u00e9', '\uff5e', '\u{1f511}']],
    ['after the last', { after: '\u{1f511}' }, []],
    ['after, descending', { after: 'EVT#10', descending: true }, ['EVT#1', 'A']],
    ['through', { through: 'EVT#10' }, ['A', 'EVT#1', 'EVT#10']],
    ['through a key that is not there', { through: 'EVT#11' }, ['A', 'EVT#1', 'EVT#10']],
    ['after and through', { after: 'EVT#1', through: 'EVT$' }, ['EVT#10', 'EVT#2', 'EVT$']],
    ['after equal to through', { after: 'META', through: 'META' }, []],
    ['after above through', { after: 'VER#1', through: 'META' }, []],
    ['after and through, descending', { after: 'EVT$', through: 'META', descending: true }, ['EVT#2', 'EVT#10', 'EVT#1', 'A']],
    ['through below after, descending', { after: 'META', through: 'EVT#10', descending: true }, ['EVT#10', 'EVT#1', 'A']],
  ])('bounds of a query: %s', async (_name, bounds, expected) => {
    const page = await opened().store.query({ ...whole, ...bounds });

    expect(sortKeys(page.items)).toEqual(expected);
    expect(page.next).toBeUndefined();
  });

  test.each([1, 2, 3, 5, 12])('pages of %i items lose nothing and repeat nothing, in both directions and with each bound', async (limit) => {
    const { store } = opened();
    for (const bounds of [{}, { prefix: 'EVT#' }, { through: 'META' }, { after: 'EVT#1' }] as const) {
      for (const descending of [false, true]) {
        const expected = sortKeys((await store.query({ ...whole, ...bounds, descending })).items);

        const pages = await allPages(store, { ...whole, ...bounds, descending, limit });

        expect(pages.flatMap((page) => sortKeys(page.items))).toEqual(expected);
        for (const page of pages) expect(page.items.length).toBeLessThanOrEqual(limit);
      }
    }
  });

  test('paging goes on soundly while items before and after the position change', async () => {
    const { store } = opened();
    const first = await store.query({ ...whole, limit: 4 });
    await store.transact([{ delete: key(first.next!) }, { put: item('AA') }, { put: item('VER#11') }]);

    const rest = await store.query({ ...whole, after: first.next! });

    expect(sortKeys(rest.items)).toEqual(['EVT$', 'META', 'VER#1', 'VER#11', 'VER#2', 'a', '\u00e9', '\uff5e', '\u{1f511}']);
  });

  test('a list of many items pages through to its end', async () => {
    const { store } = opened();
    const names = Array.from({ length: 350 }, (_, number) => `N#${String(number).padStart(4, '0')}`);
    for (let start = 0; start < names.length; start += 100) await store.transact(names.slice(start, start + 100).map((sk) => ({ put: { ...item(sk), pk: 'MANY' } })));

    const pages = await allPages(store, { table: 'core', pk: 'MANY', limit: 100 });

    expect(pages.flatMap((page) => sortKeys(page.items))).toEqual(names);
  });
}

function describeIndexes(opened: () => OpenedStore): void {
  const list = { table: 'core', index: 'list', pk: 'LIST#1', limit: 100 } as const;
  const due = { table: 'core', index: 'due', pk: 'DUE#1', limit: 100 } as const;
  const entry = (sk: string) => ({ list: { pk: 'LIST#1', sk } });

  test('an index answers whole items by its own order, of those that have an entry', async () => {
    const { store } = opened();
    const first = item('META', 1, { index: { list: { pk: 'LIST#1', sk: '2#a' }, due: { pk: 'DUE#1', sk: '9#a' } }, seal: 'c2VhbA==' });
    const second = { ...item('META', 1, { index: { list: { pk: 'LIST#1', sk: '1#b' } } }), pk: 'KEY#2' };
    await store.transact([{ put: first }, { put: second }, { put: { ...item('META'), pk: 'KEY#3' } }]);

    expect((await store.query(list)).items).toStrictEqual([second, first]);
    expect((await store.query(due)).items).toStrictEqual([first]);
    expect((await store.query({ ...list, table: 'ops' })).items).toEqual([]);
  });

  test('an index entry follows its item when it moves, loses the entry, or is deleted', async () => {
    const { store } = opened();
    await store.transact([{ put: item('A', 1, { index: entry('1') }) }, { put: item('B', 1, { index: entry('2') }) }, { put: item('C', 1, { index: entry('3') }) }]);

    await store.transact([{ put: item('A', 2, { index: entry('9') }), if: { rev: 1 } }, { put: item('B', 2), if: { rev: 1 } }, { delete: key('C') }]);

    expect(sortKeys((await store.query(list)).items)).toEqual(['A']);
    expect(sortKeys((await store.query({ ...list, after: '8' })).items)).toEqual(['A']);
    await store.transact([{ put: item('A', 3, { index: { list: { pk: 'LIST#2', sk: '9' } } }) }]);
    expect((await store.query(list)).items).toEqual([]);
    expect(sortKeys((await store.query({ ...list, pk: 'LIST#2' })).items)).toEqual(['A']);
  });

  test('a cancelled transaction leaves the indexes as they were', async () => {
    const { store } = opened();
    await store.transact([{ put: item('A', 1, { index: entry('1') }) }]);

    await reasonsOf(store.transact([{ put: item('A', 2, { index: entry('9') }) }, { check: key('NONE'), if: { exists: true } }]));

    expect((await store.query(list)).items.map((found) => found.index?.list?.sk)).toEqual(['1']);
  });

  test('what is due through a time comes in the order of time, page by page', async () => {
    const { store } = opened();
    const times = ['2030-01-03#c', '2030-01-01#a', '2030-01-02#b', '2030-01-02#d', '2030-02-01#e'];
    await store.transact(times.map((sk) => ({ put: item(sk, 1, { index: { due: { pk: 'DUE#1', sk } } }) })));

    const pages = await allPages(store, { ...due, through: '2030-01-03#\u{10ffff}', limit: 2 });

    expect(pages.flatMap((page) => sortKeys(page.items))).toEqual(['2030-01-01#a', '2030-01-02#b', '2030-01-02#d', '2030-01-03#c']);
  });

  test.each([1, 2, 7])('pages of %i over an index with a prefix lose nothing and repeat nothing', async (limit) => {
    const { store } = opened();
    const names = ['A#1', 'A#2', 'A#3', 'A#4', 'A#5', 'B#1'];
    await store.transact(names.map((sk) => ({ put: item(sk, 1, { index: entry(sk) }) })));

    for (const descending of [false, true]) {
      const pages = await allPages(store, { ...list, prefix: 'A#', limit, descending });

      const expected = names.slice(0, 5);
      expect(pages.flatMap((page) => sortKeys(page.items))).toEqual(descending ? expected.toReversed() : expected);
    }
  });
}

function describeLimits(opened: () => OpenedStore): void {
  const big = (bytes: number) => item('BIG', 1, { body: { text: 'x'.repeat(bytes) } });

  test('an item of 300 KB is kept', async () => {
    const { store } = opened();

    await store.transact([{ put: big(300 * 1024) }]);

    expect(await read(store, key('BIG'))).toStrictEqual(big(300 * 1024));
  });

  test('pages of large items lose nothing', async () => {
    const { store } = opened();
    const names = Array.from({ length: 12 }, (_, number) => `N#${String(number).padStart(2, '0')}`);
    for (const sk of names) await store.transact([{ put: item(sk, 1, { body: { text: sk.repeat(75_000) } }) }]);

    const pages = await allPages(store, { table: 'core', pk: 'KEY#1', limit: 100 });

    expect(pages.flatMap((page) => sortKeys(page.items))).toEqual(names);
    expect(await store.getMany(names.map((sk) => key(sk)))).toHaveLength(12);
  });

  test('a larger item is refused with a clear error', async () => {
    const { store } = opened();

    await expect(store.transact([{ put: big(400 * 1024) }])).rejects.toThrow(/An item may have 409600 bytes, but write 0 \(table core\) has \d+/);

    expect(await read(store, key('BIG'))).toBeUndefined();
  });

  test('100 writes are one transaction, 101 and none are refused', async () => {
    const { store } = opened();
    const puts = (count: number) => Array.from({ length: count }, (_, number) => ({ put: item(`N#${number}`) }));

    await expect(store.transact(puts(101))).rejects.toThrow('1 to 100 writes');
    await expect(store.transact([])).rejects.toThrow('1 to 100 writes');
    expect((await store.query({ table: 'core', pk: 'KEY#1', limit: 10 })).items).toEqual([]);
    await store.transact(puts(100));

    expect((await store.query({ table: 'core', pk: 'KEY#1', limit: 1000 })).items).toHaveLength(100);
  });

  test('100 keys are read at once, 101 are refused', async () => {
    const { store } = opened();
    const keys = Array.from({ length: 101 }, (_, number) => key(`N#${number}`));

    await store.transact(keys.slice(0, 100).map((each) => ({ put: item(each.sk) })));

    expect((await store.getMany(keys.slice(0, 100).toReversed())).map((found) => found!.sk)).toEqual(sortKeys(keys.slice(0, 100).toReversed() as Item[]));
    await expect(store.getMany(keys)).rejects.toThrow('At most 100 keys');
  });

  test('two writes about one item in a transaction are refused', async () => {
    const { store } = opened();

    await expect(store.transact([{ put: item('A') }, { delete: key('A') }])).rejects.toThrow('an item that an earlier write is about');
    await expect(store.transact([{ put: item('A') }, { check: key('A'), if: { absent: true } }])).rejects.toThrow('an item that an earlier write is about');

    expect(await read(store, key('A'))).toBeUndefined();
  });

  test.each([0, 1001, 1.5, Number.NaN])('a limit of %d is refused', async (limit) => {
    await expect(opened().store.query({ table: 'core', pk: 'KEY#1', limit })).rejects.toThrow(RangeError);
  });

  test('empty, too long and ill-formed keys are refused before the store is asked', async () => {
    const { store } = opened();

    for (const wrong of [key(''), key('A', ''), key('x'.repeat(1025)), key('A', 'é'.repeat(1025)), key('\ud800')]) {
      await expect(store.getMany([wrong])).rejects.toThrow(RangeError);
      await expect(store.transact([{ delete: wrong }])).rejects.toThrow(RangeError);
    }
    expect(await store.getMany([key('x'.repeat(1024), 'y'.repeat(2048))])).toEqual([undefined]);
  });

  test('revisions that are not whole numbers from 1 on are refused', async () => {
    for (const rev of [0, -1, 1.5, Number.NaN, 2 ** 53]) await expect(opened().store.transact([{ put: item('A', rev) }])).rejects.toThrow(RangeError);
  });

  test('a refusal of the caller is not a failure of the store', async () => {
    await expect(opened().store.query({ table: 'core', pk: 'KEY#1', prefix: 'A', through: 'B', limit: 1 })).rejects.not.toBeInstanceOf(StoreUnavailable);
  });
}
