import { expect, test } from 'vitest';
import { createBell, ring, takeRung, untilRung, wakeListener } from '#bridge/lanes/bell.ts';

test('every worker that rang is named once, whatever its number', () => {
  const bell = createBell(100);
  for (const worker of [99, 0, 31, 32, 63, 64, 31]) ring(bell, worker);

  expect(takeRung(bell)).toEqual([0, 31, 32, 63, 64, 99]);
  expect(takeRung(bell)).toEqual([]);
});

test('a ring before the sleep is not slept through', async () => {
  const bell = createBell(1);
  ring(bell, 0);

  await untilRung(bell);

  expect(takeRung(bell)).toEqual([0]);
});

test('a ring ends the sleep, and so does the death of a worker that had begun to ring', async () => {
  const bell = createBell(40);

  const first = untilRung(bell);
  ring(bell, 39);
  await first;
  expect(takeRung(bell)).toEqual([39]);

  const second = untilRung(bell);
  Atomics.store(bell, 0, 0);
  wakeListener(bell);
  await second;
  expect(takeRung(bell)).toEqual([]);
});
