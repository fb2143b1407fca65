/** RecordStore contract: racing writers and transaction tokens. */
import { expect, test } from 'vitest';
import { type Item, type RecordStore, TransactionCancelled } from '#shared/ports/record-store.ts';
import { item, key, type OpenedStore, read, reasonsOf, sortKeys } from './record-store-fixture.ts';

export function describeRaces(opened: () => OpenedStore): void {
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

export function describeTokens(opened: () => OpenedStore): void {
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
