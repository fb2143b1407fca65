import { describe, expect, test } from 'vitest';
import { Turns } from '#shared/pipeline/turns.ts';

describe('turns on a key', () => {
  test('come one after the other, in the order of asking', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const work = async (name: number): Promise<void> => {
      const end = await turns.take('key');
      order.push(`begin ${name}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`end ${name}`);
      end();
    };

    await Promise.all([1, 2, 3].map(work));

    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
  });

  test('of different keys do not wait for each other', async () => {
    const turns = new Turns();
    const endOne = await turns.take('one');

    const endTwo = await turns.take('two');

    endTwo();
    endOne();
  });

  test('can be taken again after all have ended', async () => {
    const turns = new Turns();

    for (let round = 0; round < 3; round += 1) (await turns.take('key'))();
  });
});
