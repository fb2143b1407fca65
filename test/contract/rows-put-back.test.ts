/** An older row of a key, with its valid seal, put back by somebody who can write to the database (threat T-05). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyRow } from '#shared/repositories/rows.ts';
import { editRow, readRow } from '#test/support/edit-row.ts';
import { type InProcess, startInProcess } from '#test/support/in-process.ts';
import { newKey } from '#test/support/people.ts';
import { base64 } from '#test/support/sample-requests.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const Plaintext = base64('x');
const rowOf = (keyId: string) => keyRow({ region: 'eu-west-1', keyId });
const encrypt = async (process: InProcess, KeyId: string) => (await process.call('Encrypt', { KeyId, Plaintext })).code;

test.each([
  ['the process that made the change', async () => undefined],
  ['a process that has seen the change', async (key: string) => expect(await encrypt(app, key)).toBe('DisabledException')],
])('%s refuses the row of before the change, with an alarm, and serves the key again when its row is back', async (who, look) => {
  const { id } = await newKey(app);
  const old = readRow(app.path, rowOf(id));
  const changer = who.includes('made') ? app : app.another();
  await changer.must('DisableKey', { KeyId: id });
  await look(id);
  const current = readRow(app.path, rowOf(id));

  editRow(app.path, rowOf(id), () => old);
  const putBack = [await encrypt(app, id), (await app.call('DescribeKey', { KeyId: id })).code, (await app.call('EnableKey', { KeyId: id })).code];
  editRow(app.path, rowOf(id), () => current);

  expect(putBack).toEqual(Array.from({ length: 3 }, () => 'KMSInternalException'));
  expect(app.alarms.map(({ kind, resource }) => [kind, resource])).toContainEqual(['seal-broken', `${rowOf(id).pk} META`]);
  expect(await encrypt(app, id)).toBe('DisabledException');
  await app.must('EnableKey', { KeyId: id });
  expect(await encrypt(app, id)).toBeUndefined();
});

test('in a batch only the items of that key fail', async () => {
  const [key, other] = [await newKey(app), await newKey(app)];
  const old = readRow(app.path, rowOf(key.id));
  await app.must('UpdateKeyDescription', { KeyId: key.id, Description: 'new' });
  editRow(app.path, rowOf(key.id), () => old);

  const { Results } = (await app.must('EncryptBatch', { Items: [key, other].map(({ id }) => ({ KeyId: id, Plaintext })) })) as { Results: { Error?: { Code: string } }[] };

  expect(Results.map(({ Error: failure }) => failure?.Code)).toEqual(['KMSInternalException', undefined]);
});

test('a high revision without a valid seal is refused and remembered by nobody: the right row is served afterwards', async () => {
  const { id } = await newKey(app);
  const right = readRow(app.path, rowOf(id));
  editRow(app.path, rowOf(id), (row) => ({ ...row, rev: 1_000_000 }));
  expect(await encrypt(app, id)).toBe('KMSInternalException');

  editRow(app.path, rowOf(id), () => right);
  expect(await encrypt(app, id)).toBeUndefined();
});

test('changes and reads at the same time, in two processes, raise no alarm', async () => {
  const { id } = await newKey(app);
  const processes = [app, app.another()];

  await Promise.all(
    Array.from({ length: 60 }, (_, at) => {
      const process = processes[at % 2]!;
      return at % 3 === 0 ? process.call('UpdateKeyDescription', { KeyId: id, Description: String(at) }) : process.must('Encrypt', { KeyId: id, Plaintext });
    }),
  );

  expect(processes.flatMap(({ alarms }) => alarms)).toEqual([]);
});
