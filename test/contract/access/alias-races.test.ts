/** What happens when an alias moves between the check of its key and the change (threat T-14). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KeyLister } from '#shared/repositories/key-lister.ts';
import { aliasRow } from '#shared/repositories/rows.ts';
import { editRow } from '#test/support/edit-row.ts';
import { type InProcess, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, give, newKey } from '#test/support/people.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const AliasName = 'alias/moving';

test.each(['UpdateAlias', 'DeleteAlias'])('%s touches no alias of a key that the caller was not authorized for, also when it moved meanwhile', async (operation) => {
  const [mine, other, secret] = [await newKey(app), await newKey(app), await newKey(app)];
  await app.must('CreateAlias', { AliasName, TargetKeyId: mine.id });
  const onMine = { Resource: [mine.arn, other.arn, `arn:aws:kms:eu-west-1:111122223333:${AliasName}`] };
  await give(app, ann, allowing(['kms:UpdateAlias', 'kms:DeleteAlias'], onMine));
  const elsewhere = app.another();
  const lister: { alias: KeyLister['alias'] } = app.service.ports.lister;
  const read = lister.alias;
  // What the operation reads again after the pipeline has found and authorized the keys.
  lister.alias = async (name) => {
    lister.alias = read;
    await elsewhere.must('UpdateAlias', { AliasName, TargetKeyId: secret.id });
    return await read(name);
  };

  const answer = await as(app, ann)(operation, { AliasName, TargetKeyId: other.id });

  const { Aliases } = await app.must('ListAliases', { KeyId: secret.id });
  expect(Aliases).toMatchObject([{ AliasName, TargetKeyId: secret.id }]);
  expect(answer.code).toBe('AccessDeniedException');
});

test('a list shows no alias whose row was edited in the database', async () => {
  const [key, other] = [await newKey(app), await newKey(app)];
  await app.must('CreateAlias', { AliasName, TargetKeyId: key.id });
  editRow(app.path, aliasRow({ account: '111122223333', region: 'eu-west-1', aliasName: AliasName }), (row) => ({ ...row, body: { ...row.body, targetKeyId: other.id } }));

  expect((await app.must('ListAliases', {})).Aliases).toEqual([]);
  expect(app.alarms.map(({ kind }) => kind)).toContain('seal-broken');
});
