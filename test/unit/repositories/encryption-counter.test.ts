import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSqliteStore, type SqliteStore } from '#server/sqlite-store.ts';
import { createEncryptionCounter, encryptionsBeforeRoll, rollPartition } from '#shared/repositories/encryption-counter.ts';
import { usageRow } from '#shared/repositories/rows.ts';

const key = { region: 'eu-west-1', keyId: '0f0e0d0c-0b0a-4908-8706-050403020100', version: 1 };
let folder: string;
let store: SqliteStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chatelaine-counter-'));
  store = createSqliteStore({ path: join(folder, 'store.sqlite') });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const counted = async (): Promise<number> => Number((await store.getMany([usageRow(key, 1)]))[0]?.body.encryptions ?? 0);
const many = (count: number, work: () => Promise<void>): Promise<unknown> => Promise.all(Array.from({ length: count }, work));
const due = async (): Promise<number> => (await store.query({ table: 'ops', index: 'due', pk: rollPartition, limit: 10 })).items.length;

describe('the count of encryptions', () => {
  test('is never lower than what was encrypted, by several processes at once', async () => {
    const counters = [createEncryptionCounter(store), createEncryptionCounter(store), createEncryptionCounter(store)];

    await Promise.all(counters.map((counter) => many(3000, () => counter.count(key))));

    expect(await counted()).toBeGreaterThanOrEqual(9000);
  });

  test('costs few store requests', async () => {
    let requests = 0;
    const counter = createEncryptionCounter({
      getMany: (keys) => store.getMany(keys),
      transact(writes, options) {
        requests += 1;
        return store.transact(writes, options);
      },
    });

    await many(20_000, () => counter.count(key));

    expect(requests).toBeLessThanOrEqual(4);
  });

  test('keeps versions and keys apart', async () => {
    const counter = createEncryptionCounter(store);
    await counter.count(key);
    await counter.count({ ...key, version: 2 });

    expect((await store.getMany([usageRow(key, 1), usageRow(key, 2)])).every((row) => row !== undefined)).toBe(true);
  });

  test('puts a version on the list of what is due once the mark is reached, and not before', async () => {
    await store.transact([{ put: { ...usageRow(key, 1), rev: 1, body: { encryptions: encryptionsBeforeRoll - 5000 } } }]);
    const counter = createEncryptionCounter(store);
    await many(1000, () => counter.count(key));
    expect(await due()).toBe(0);

    await many(2000, () => counter.count(key));

    expect(await due()).toBe(1);
  });

  test('refuses before 2^32, whatever block a process asks for', async () => {
    await store.transact([{ put: { ...usageRow(key, 1), rev: 1, body: { encryptions: 2 ** 32 - 2 ** 24 - 100 } } }]);

    await expect(createEncryptionCounter(store).count(key)).rejects.toThrow('encryption limit');

    expect(await counted()).toBeLessThan(2 ** 32);
  });

  test('a store that fails is not taken for a lease', async () => {
    const counter = createEncryptionCounter({ getMany: () => Promise.reject(new Error('down')), transact: () => Promise.reject(new Error('down')) });

    await expect(counter.count(key)).rejects.toThrow('down');
    await expect(counter.count(key)).rejects.toThrow('down');
  });
});
