import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '#shared/json.ts';
import type { ItemKey } from '#shared/ports/record-store.ts';
import { bindingRow, granteeRow, grantRow, roleRow } from '#shared/repositories/access-rows.ts';
import { aliasOfKeyRow } from '#shared/repositories/rows.ts';
import { editRow, readRow, type StoredRow } from '#test/support/edit-row.ts';
import { type Answer, alice, type InProcess, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, ben, give, newKey } from '#test/support/people.ts';
import { base64 } from '#test/support/sample-requests.ts';

let app: InProcess;
let key: { id: string; arn: string };
let RoleName: string;
let GrantId: string;
beforeEach(async () => {
  app = startInProcess();
  key = await newKey(app);
  RoleName = await give(app, ann, allowing('kms:*', { Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/open' } } }));
  await app.must('CreateAlias', { AliasName: 'alias/open', TargetKeyId: key.id });
  GrantId = String((await app.must('CreateGrant', { KeyId: key.id, GranteePrincipal: ben.principalArn, Operations: ['Encrypt'] })).GrantId);
  expect((await encrypt(ann)).code).toBeUndefined();
  expect((await encrypt(ben)).code).toBeUndefined();
});
afterEach(() => app.close());

const encrypt = (caller: typeof ann, service = app): Promise<Answer> => as(service, caller)('Encrypt', { KeyId: key.id, Plaintext: base64('x') });
const name = () => ({ region: alice.region, keyId: key.id });
const withBody = (change: JsonObject) => (row: StoredRow) => ({ ...row, body: { ...row.body, ...change } });

/** Kind of row, where it is, an edit that would give more, and the request that reads it. */
const rows: Readonly<Record<string, { row: () => ItemKey; edit: (row: StoredRow) => StoredRow; use: (service: InProcess) => Promise<Answer> }>> = {
  'a role': { row: () => roleRow({ account: alice.account, name: RoleName }), edit: withBody({ document: allowing('*') }), use: (service) => encrypt(ann, service) },
  'a binding': { row: () => bindingRow(ann.principalArn), edit: withBody({ roles: ['administrator'] }), use: (service) => encrypt(ann, service) },
  'the grants of a grantee': {
    row: () => granteeRow(name(), ben.principalArn),
    edit: (row) => ({ ...row, body: JSON.parse(JSON.stringify(row.body).replace('"Encrypt"', '"Encrypt","Decrypt"')) as JsonObject }),
    use: (service) => encrypt(ben, service),
  },
  'a grant': {
    row: () => grantRow(name(), GrantId),
    edit: withBody({ retiring: ann.principalArn }),
    use: (service) => as(service, ann)('RetireGrant', { KeyId: key.arn, GrantId }),
  },
  'an alias of the key': {
    row: () => aliasOfKeyRow(name(), 'alias/open'),
    edit: withBody({ aliasName: 'alias/other' }),
    use: (service) => encrypt(ann, service),
  },
};

function expectRefused(answer: Answer, service: InProcess): void {
  expect(answer).toMatchObject({ status: 500, code: 'KMSInternalException' });
  expect(service.alarms.map(({ kind }) => kind)).toContain('seal-broken');
}

describe('rows that decide, edited in the database (threat T-04)', () => {
  test.each(Object.keys(rows))('%s with another content, no seal or another revision is refused with an alarm, by processes that knew it and by new ones', async (kind) => {
    const { row, edit, use } = rows[kind]!;
    const before = readRow(app.path, row());
    const edits: ((given: StoredRow) => StoredRow)[] = [edit, (given) => ({ ...given, seal: null }), (given) => ({ ...given, rev: given.rev + 1 })];

    for (const change of edits) {
      editRow(app.path, row(), () => change(before));
      const fresh = app.another();
      expectRefused(await use(app), app);
      expectRefused(await use(fresh), fresh);
    }
  });

  test('a binding copied from another principal is refused', async () => {
    await app.must('CreateBinding', { Principal: ben.principalArn, RoleName: 'administrator' });
    const theirs = readRow(app.path, bindingRow(ben.principalArn));
    editRow(app.path, bindingRow(ann.principalArn), () => theirs);

    expectRefused(await encrypt(ann), app);
  });

  test('the grants of one grantee copied to another are refused', async () => {
    await app.must('CreateGrant', { KeyId: key.id, GranteePrincipal: ann.principalArn, Operations: ['DescribeKey'] });
    const theirs = readRow(app.path, granteeRow(name(), ben.principalArn));
    editRow(app.path, granteeRow(name(), ann.principalArn), () => theirs);

    expectRefused(await encrypt(ann), app);
  });

  test('a bound role whose row was taken away does not end in fewer denials: the request is refused with an alarm', async () => {
    await app.store.transact([{ delete: roleRow({ account: alice.account, name: RoleName }) }]);

    expectRefused(await encrypt(ann), app);
  });
});
