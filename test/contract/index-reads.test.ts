/** DynamoDB fills an index after the write. Lists may lag (docs/architecture.md); whatever decides or changes may not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import type { Query } from '#shared/ports/record-store.ts';
import { type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';

let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

/** @returns the names of the indexes that were read while `work` ran */
async function indexesRead(work: () => Promise<unknown>): Promise<string[]> {
  const read: string[] = [];
  app.faults.store = (call, argument) => {
    const { index } = call === 'query' ? (argument as Query) : { index: undefined };
    if (index !== undefined) read.push(index);
  };
  await work();
  app.faults.store = undefined;
  return read;
}

const lists = ['DescribeCustomKeyStores', 'ListAliases', 'ListBindings', 'ListKeys', 'ListRetirableGrants', 'ListRoles'];
const whole: Readonly<Record<string, unknown>> = { ListAliases: {} };

test.each(operations.filter(({ name }) => !lists.includes(name)))('$name reads no index', async ({ name }) => {
  const request = await sampleRequest(app, keys, name);

  expect(await indexesRead(() => app.must(name, request))).toEqual([]);
});

test.each(operations.filter(({ name }) => /^List(Aliases|Bindings|Keys|RetirableGrants|Roles)$/.test(name)))('$name reads one: this test would see it', async ({ name }) => {
  const request = (whole[name] ?? (await sampleRequest(app, keys, name))) as Members;

  expect(new Set(await indexesRead(() => app.must(name, request)))).toEqual(new Set(['list']));
});

test('the lists of one record read none: bindings of a principal, aliases of a key, grants of a key', async () => {
  const read = await indexesRead(async () => {
    await app.must('ListBindings', { Principal: 'arn:aws:iam::111122223333:user/someone' });
    await app.must('ListAliases', { KeyId: keys.symmetric });
    await app.must('ListGrants', { KeyId: keys.symmetric });
  });

  expect(read).toEqual([]);
});
