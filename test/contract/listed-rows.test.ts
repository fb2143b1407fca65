/** What a database writer can do with lists (threat T-04): positions in an index are not sealed, rows are. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { IndexKey, ItemKey } from '#shared/ports/record-store.ts';
import { bindingListPartition, bindingRow, grantRow, retirablePartition, roleListPartition, roleRow } from '#shared/repositories/access-rows.ts';
import { aliasListPartition, aliasRow, keyListPartition, keyRow } from '#shared/repositories/rows.ts';
import { editRow, listRow, readRow, type StoredRow } from '#test/support/edit-row.ts';
import { type Answer, alice, type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, ben, newKey } from '#test/support/people.ts';

const { region, account } = alice;
let app: InProcess;
let key: { id: string; arn: string };
beforeEach(async () => {
  app = startInProcess();
  key = await newKey(app);
});
afterEach(() => app.close());

/** The same members as before, and an alarm. */
function expectLeftOut(answer: Answer, before: Answer): void {
  expect(answer.code).toBeUndefined();
  expect(answer.body).toEqual(before.body);
  expect(app.alarms.at(-1)).toMatchObject({ kind: 'seal-broken' });
}
const ofKeys = { pk: keyListPartition(alice, 3), sk: '000000000000001#planted' };

describe('ListKeys', () => {
  const planted = 'aaaaaaaa-0000-4000-8000-000000000003';
  const rows: Readonly<Record<string, (real: StoredRow) => StoredRow>> = {
    'without a seal': (real) => ({ ...real, seal: null, body: { ...real.body, keyId: planted } }),
    'with the seal of another key': (real) => ({ ...real, body: { ...real.body, keyId: planted } }),
    "that is another key's, as it is": (real) => real,
    'with a text that is no id': (real) => ({ ...real, body: { ...real.body, keyId: '<script>' } }),
  };

  test.each(Object.keys(rows))('shows no key that nobody made: a planted row %s is left out and raises an alarm, in every process', async (what) => {
    const before = await app.call('ListKeys', {});
    listRow(app.path, keyRow({ region, keyId: planted }), ofKeys, rows[what]!(readRow(app.path, keyRow({ region, keyId: key.id }))));

    expectLeftOut(await app.call('ListKeys', {}), before);
    expectLeftOut(await app.another().call('ListKeys', { Limit: 1000 }), before);
  });

  test('shows no edited row, the others all the same, and all once it is put back', async () => {
    const other = await newKey(app);
    const row = keyRow({ region, keyId: key.id });
    const before = readRow(app.path, row);
    editRow(app.path, row, ({ body, ...rest }) => ({ ...rest, body: { ...body, description: 'edited' } }));

    expect((await app.must('ListKeys', {})).Keys).toEqual([{ KeyId: other.id, KeyArn: other.arn }]);
    expect(app.alarms.at(-1)).toMatchObject({ kind: 'seal-broken', resource: `${row.pk} META` });
    editRow(app.path, row, () => before);
    expect((await app.must('ListKeys', {})).Keys).toHaveLength(2);
  });

  test('shows no key whose seal cannot be checked: without the bridge, a process lists what it has seen', async () => {
    await app.must('ListKeys', {});
    app.crypto.failWith = 'unavailable';

    expect((await app.must('ListKeys', {})).Keys).toHaveLength(1);
    expect(await app.another().call('ListKeys', {})).toMatchObject({ status: 503, code: 'DependencyTimeoutException' });
  });

  test('of a page asks the bridge once for each hundred keys that it has not seen, and then no more', async () => {
    for (let at = 0; at < 129; at++) await app.must('CreateKey', {});
    const fresh = app.another();
    const asked: number[] = [];
    const { checkSeals } = app.crypto;
    app.crypto.checkSeals = (rowsOfOne) => {
      asked.push(rowsOfOne.length);
      return checkSeals(rowsOfOne);
    };
    const listed = async (members: Members) => ((await fresh.must('ListKeys', members)).Keys as Members[]).length;

    expect(await listed({ Limit: 1000 })).toBe(130);
    expect(asked).toEqual([100, 30]);
    expect(await listed({ Limit: 1000 })).toBe(130);
    expect(await listed({})).toBe(100);
    expect(asked).toHaveLength(2);
  });
});

/** What is sealed, and stands in a list that is not its own. */
const foreign: Readonly<Record<string, { make: () => Promise<ItemKey>; position: () => IndexKey; list: Members; operation: string }>> = {
  'a key of another account': {
    make: async () => keyRow({ region, keyId: (await newKey(app, {}, mallory)).id }),
    position: () => ofKeys,
    operation: 'ListKeys',
    list: {},
  },
  'an alias among the keys': {
    make: async () => {
      await app.must('CreateAlias', { AliasName: 'alias/one', TargetKeyId: key.id });
      return aliasRow({ account, region, aliasName: 'alias/one' });
    },
    position: () => ofKeys,
    operation: 'ListKeys',
    list: {},
  },
  'an alias of another account': {
    make: async () => {
      const other = await newKey(app, {}, mallory);
      await app.must('CreateAlias', { AliasName: 'alias/theirs', TargetKeyId: other.id }, { caller: mallory });
      return aliasRow({ account: mallory.account, region, aliasName: 'alias/theirs' });
    },
    position: () => ({ pk: aliasListPartition(alice), sk: 'alias/theirs' }),
    operation: 'ListAliases',
    list: {},
  },
  'a role of another account': {
    make: async () => {
      await app.must('CreateRole', { RoleName: 'theirs', Document: allowing('kms:*') }, { caller: mallory });
      return roleRow({ account: mallory.account, name: 'theirs' });
    },
    position: () => ({ pk: roleListPartition(account), sk: 'theirs' }),
    operation: 'ListRoles',
    list: {},
  },
  'a binding of another account': {
    make: async () => {
      const principal = `arn:aws:iam::${mallory.account}:user/theirs`;
      await app.must('CreateBinding', { Principal: principal, RoleName: 'user' }, { caller: mallory });
      return bindingRow(principal);
    },
    position: () => ({ pk: bindingListPartition(account), sk: 'theirs' }),
    operation: 'ListBindings',
    list: {},
  },
  'a grant that somebody else may retire': {
    make: async () => {
      const members = { KeyId: key.arn, GranteePrincipal: ann.principalArn, RetiringPrincipal: ann.principalArn, Operations: ['Encrypt'] };
      return grantRow({ region, keyId: key.id }, String((await app.must('CreateGrant', members)).GrantId));
    },
    position: () => ({ pk: retirablePartition(region, ben.principalArn), sk: 'theirs' }),
    operation: 'ListRetirableGrants',
    list: { RetiringPrincipal: ben.principalArn },
  },
};

describe('a list', () => {
  test.each(Object.keys(foreign))('does not show %s, although its seal holds, and raises an alarm', async (what) => {
    const { make, position, operation, list } = foreign[what]!;
    const row = await make();
    const before = await app.call(operation, list);
    expect(before.code).toBeUndefined();
    listRow(app.path, row, position());

    expectLeftOut(await app.call(operation, list), before);
  });
});
