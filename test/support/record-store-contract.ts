/** The guarantees of the RecordStore port. Every adapter runs this suite, so that the layers above need not know which store they stand on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeLimits } from './record-store-contract-limits.ts';
import { describeIndexes, describeQueries } from './record-store-contract-queries.ts';
import { describeRaces, describeTokens } from './record-store-contract-races.ts';
import { item, key, type OpenedStore, read, reasonsOf } from './record-store-fixture.ts';

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
