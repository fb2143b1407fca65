import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Views } from '#bridge/driver/views.ts';

test('whatever jobs asked for before, a job gets exactly the part of the block that it asks for', () => {
  const block = Buffer.from(Array.from({ length: 64 }, (_, at) => at));
  const part = fc.tuple(fc.nat(32), fc.nat(32));
  fc.assert(
    fc.property(fc.array(fc.array(part, { maxLength: 4 }), { maxLength: 12 }), (jobs) => {
      const views = new Views(block);
      for (const parts of jobs) {
        const given = parts.map(([start, length]) => views.of(start, length));
        expect(given.map((bytes) => [...bytes])).toEqual(parts.map(([start, length]) => [...block.subarray(start, start + length)]));
        views.startAgain();
      }
    }),
  );
});

test('a job laid out like the one before makes no view', () => {
  const views = new Views(Buffer.alloc(16));
  const first = views.of(4, 8);
  views.startAgain();

  expect(views.of(4, 8)).toBe(first);
});
