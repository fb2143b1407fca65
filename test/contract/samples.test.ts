import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { startInProcess } from '#test/support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';

describe('every operation works over both protocols', () => {
  const app = startInProcess();
  let keys: SampleKeys;
  beforeEach(async () => {
    keys = await createSampleKeys(app);
  });
  afterAll(() => app.close());

  for (const operation of operations) {
    for (const protocol of operation.wire === false ? (['rest'] as const) : (['aws-json', 'rest'] as const)) {
      test(`${operation.name} over ${protocol}: a good request succeeds with the declared members and no others`, async () => {
        const members = await sampleRequest(app, keys, operation.name);

        const answer = await app.call(operation.name, members, { protocol });

        expect(answer.code, answer.message).toBeUndefined();
        expect(answer.status).toBe(operation.output === undefined && protocol === 'rest' ? 204 : 200);
        if (operation.output === undefined) expect(answer.raw.body).toBe('');
        else expect(Object.keys(operation.output.shape)).toEqual(expect.arrayContaining(Object.keys(answer.body)));
      });
    }
  }
});
