/** RecordStore contract: queries, pages and indexes. */
import { beforeEach, expect, test } from 'vitest';
import type { Query } from '#shared/ports/record-store.ts';
import { allPages, item, key, type OpenedStore, reasonsOf, sortKeys } from './record-store-fixture.ts';

export function describeQueries(opened: () => OpenedStore): void {
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

export function describeIndexes(opened: () => OpenedStore): void {
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
