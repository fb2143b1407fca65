/** RecordStore contract: sizes, counts and refused arguments. */
import { expect, test } from 'vitest';
import { type Item, StoreUnavailable } from '#shared/ports/record-store.ts';
import { allPages, item, key, type OpenedStore, read, sortKeys } from './record-store-fixture.ts';

export function describeLimits(opened: () => OpenedStore): void {
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
