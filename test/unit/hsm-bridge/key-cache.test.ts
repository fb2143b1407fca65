import { expect, test, vi } from 'vitest';
import { KeyCache } from '#bridge/key-cache.ts';

const setup = (entriesMax = 2) => {
  let now = 0;
  const open = vi.fn(async (key: string) => ({ key }));
  const close = vi.fn();
  const cache = new KeyCache({ entriesMax, ttlMs: 100, open, close, now: () => now });
  return { cache, open, close, pass: (ms: number) => (now += ms) };
};
const nothing = async () => {};

test('many users of a key that is not there open it once', async () => {
  const { cache, open } = setup();

  const seen = await Promise.all(Array.from({ length: 50 }, () => cache.use('a', async (value) => value)));

  expect(open).toHaveBeenCalledTimes(1);
  expect(new Set(seen).size).toBe(1);
});

test('the least recently used entry goes first, and is closed', async () => {
  const { cache, close } = setup();

  await cache.use('a', nothing);
  await cache.use('b', nothing);
  await cache.use('a', nothing);
  await cache.use('c', nothing);

  expect(close.mock.calls).toEqual([[{ key: 'b' }]]);
  expect(cache.size).toBe(2);
});

test('an entry is not closed while it is used', async () => {
  const { cache, close } = setup(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const using = cache.use('a', () => promise);

  await cache.use('b', nothing);
  const closedMeanwhile = close.mock.calls.length;
  resolve();
  await using;

  expect(closedMeanwhile).toBe(0);
  expect(close.mock.calls).toEqual([[{ key: 'a' }]]);
});

test('an expired entry is opened again; an idle one is closed by expire', async () => {
  const { cache, open, close, pass } = setup();

  await cache.use('a', nothing);
  pass(100);
  await cache.use('a', nothing);
  expect(open).toHaveBeenCalledTimes(2);
  pass(100);
  cache.expire();

  expect(close).toHaveBeenCalledTimes(2);
  expect(cache.size).toBe(0);
});

test('an opening that fails reaches every waiter and is not remembered', async () => {
  const { cache, open } = setup();
  open.mockRejectedValueOnce(new Error('no'));

  const results = await Promise.allSettled([cache.use('a', nothing), cache.use('a', nothing)]);
  await cache.use('a', nothing);

  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(open).toHaveBeenCalledTimes(2);
});

test('a dropped value is opened again, once, even when several users drop it', async () => {
  const { cache, open, close } = setup();
  const dead = await cache.use('a', async (value) => value);

  cache.drop('a', dead);
  const fresh = await cache.use('a', async (value) => value);
  cache.drop('a', dead);
  await cache.use('a', nothing);

  expect(fresh).not.toBe(dead);
  expect(open).toHaveBeenCalledTimes(2);
  expect(close).toHaveBeenCalledTimes(1);
});
