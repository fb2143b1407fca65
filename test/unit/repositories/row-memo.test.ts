import { expect, test } from 'vitest';
import { checkKeys, itemName } from '#shared/ports/record-store-rules.ts';
import { granteeRow } from '#shared/repositories/access-rows.ts';
import { rememberRows } from '#shared/repositories/row-memo.ts';
import { keyRow, materialRow } from '#shared/repositories/rows.ts';

const place = { region: 'eu-west-1', keyId: '0a1b2c3d-0000-4000-8000-000000000001' };

test('the same parts give the same frozen key, and other parts another one', () => {
  const rows = [
    keyRow(place),
    materialRow(place, 1),
    materialRow(place, 2),
    materialRow({ ...place, region: 'eu-west-2' }, 1),
    granteeRow(place, 'arn:aws:iam::111122223333:user/a'),
  ];
  const again = [
    keyRow(place),
    materialRow(place, 1),
    materialRow(place, 2),
    materialRow({ ...place, region: 'eu-west-2' }, 1),
    granteeRow(place, 'arn:aws:iam::111122223333:user/a'),
  ];

  for (const [at, row] of rows.entries()) {
    expect(again[at]).toBe(row);
    expect(Object.isFrozen(row)).toBe(true);
  }
  expect(new Set(rows.map(itemName)).size).toBe(rows.length);
  expect(materialRow(place, 2)).toEqual({ table: 'material', pk: `KEY#eu-west-1#${place.keyId}`, sk: 'MAT#0000000002' });
});

test('parts that read the same when they are put together are not taken for each other', () => {
  const row = rememberRows((a: string, b: string) => ({ table: 'core', pk: a, sk: b }));
  expect([row('ab', 'c'), row('a', 'bc'), row('ab', 'c')]).toEqual([
    { table: 'core', pk: 'ab', sk: 'c' },
    { table: 'core', pk: 'a', sk: 'bc' },
    { table: 'core', pk: 'ab', sk: 'c' },
  ]);
});

test('however many are asked for, a bounded number is remembered', () => {
  const row = rememberRows((pk: string) => ({ table: 'core', pk, sk: 'META' }), 3);
  const first = row('a');
  expect(['a', 'b', 'c'].map(row)[0]).toBe(first);
  row('d');
  expect(row('a')).not.toBe(first);
  expect(row('a')).toEqual(first);
});

test('a key that breaks the rules is refused each time, frozen or not, and one that was right and then changed is refused too', () => {
  const broken = Object.freeze({ table: 'core', pk: '', sk: 'META' } as const);
  for (let round = 0; round < 2; round += 1) expect(() => checkKeys([broken])).toThrow('The partition key is empty.');

  const changing = { table: 'core' as const, pk: 'a', sk: 'META' };
  checkKeys([changing]);
  expect(itemName(changing)).toBe(itemName({ ...changing }));
  changing.pk = '';
  expect(() => checkKeys([changing])).toThrow('The partition key is empty.');
  expect(itemName(changing)).toBe(itemName({ ...changing }));
});
