/** DynamoDB fills an index after the write. Lists may lag (docs/architecture.md); whatever decides or changes may not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import type { Query } from '#shared/ports/record-store.ts';
import { type InProcess, startInProcess } from '#test/support/in-process.ts';
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

const lists = ['ListAliases', 'ListBindings', 'ListKeys', 'ListRetirableGrants', 'ListRoles'];

test('no operation but the five lists reads an index', async () => {
  const readers: string[] = [];
  for (const { name } of operations) {
    const request = await sampleRequest(app, keys, name);
    const members = name === 'ListAliases' ? {} : request;
    if ((await indexesRead(() => app.call(name, members))).length > 0) readers.push(name);
  }

  expect(readers.toSorted()).toEqual(lists);
});

test('the lists of one record read none: bindings of a principal, aliases of a key, grants of a key', async () => {
  const read = await indexesRead(async () => {
    await app.must('ListBindings', { Principal: 'arn:aws:iam::111122223333:user/someone' });
    await app.must('ListAliases', { KeyId: keys.symmetric });
    await app.must('ListGrants', { KeyId: keys.symmetric });
  });

  expect(read).toEqual([]);
});
