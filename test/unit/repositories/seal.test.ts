import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '#shared/json.ts';
import type { Item } from '#shared/ports/record-store.ts';
import { rowDigest, SealChecker, sealWrites } from '#shared/repositories/seal.ts';
import { createSoftwareCrypto } from '#test/support/software-crypto.ts';

const item = (change: Partial<Item> = {}): Item => ({ table: 'core', pk: 'KEY#r#1', sk: 'META', rev: 1, body: { a: 1, b: [true, null, 'x'] }, ...change });
const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

describe('the digest of a row', () => {
  test('does not depend on the order of members', () => {
    fc.assert(
      fc.property(json, (body) => {
        const reversed = Object.fromEntries(Object.entries(body).toReversed()) as JsonObject;

        expect(rowDigest(item({ body: reversed }))).toBe(rowDigest(item({ body })));
      }),
    );
  });

  test('depends on everything else', () => {
    const digests = [
      item(),
      item({ table: 'ops' }),
      item({ pk: 'KEY#r#2' }),
      item({ sk: 'VER' }),
      item({ rev: 2 }),
      item({ body: {} }),
      item({ body: { a: '1', b: [true, null, 'x'] } }),
    ].map(rowDigest);

    expect(new Set(digests).size).toBe(digests.length);
  });

  test('no part can run over into the next', () => {
    expect(rowDigest(item({ pk: 'a","b', sk: 'c' }))).not.toBe(rowDigest(item({ pk: 'a', sk: 'b","c' })));
  });
});

describe('the seal checker', () => {
  const crypto = createSoftwareCrypto();
  const sealed = async (change: Partial<Item> = {}): Promise<Item> => {
    const [write] = await sealWrites(crypto, [{ put: item(change) }]);
    return (write as { put: Item }).put;
  };

  test('asks the HSM once for an unchanged row, and again for a changed one', async () => {
    let asked = 0;
    const checker = new SealChecker({
      checkSeals(rows) {
        asked += rows.length;
        return crypto.checkSeals(rows);
      },
    });
    const row = await sealed();

    for (let round = 0; round < 3; round += 1) expect(await checker.broken([row])).toEqual([]);
    expect(asked).toBe(1);

    const edited = { ...row, body: { a: 2 } };
    for (let round = 0; round < 2; round += 1) expect(await checker.broken([edited])).toEqual([edited]);
    expect(asked).toBe(3);
  });

  test('names the broken row among good ones', async () => {
    const good = await sealed();
    const broken = { ...(await sealed({ pk: 'KEY#r#2' })), rev: 9 };

    expect(await new SealChecker(crypto).broken([good, broken])).toEqual([broken]);
  });

  test('forgets the oldest when it is full, and still answers right', async () => {
    const checker = new SealChecker(crypto, 2);
    const rows = await Promise.all([1, 2, 3, 4].map((at) => sealed({ pk: `KEY#r#${at}` })));

    for (const row of [...rows, ...rows]) expect(await checker.broken([row])).toEqual([]);
    expect(await checker.broken([{ ...rows[0]!, rev: 2 }])).toHaveLength(1);
  });

  test('only rows that decide are sealed', async () => {
    const writes = await sealWrites(crypto, [{ put: item() }, { put: item({ sk: 'VER#0000000001' }) }, { put: item({ table: 'material' }) }, { delete: item() }]);

    expect(writes.map((write) => 'put' in write && write.put.seal !== undefined)).toEqual([true, false, false, false]);
  });
});
