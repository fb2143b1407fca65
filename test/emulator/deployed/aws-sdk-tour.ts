/** The tour of the single node (test/integration/kms-tour.test.ts), through API Gateway, the dispatcher and one function per operation. */
import type { KMS } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { kmsClient } from '#test/support/deployed-callers.ts';
import { noteSuccesses, provenElsewhere, tours } from '#test/support/kms-tour.ts';
import type { DeployedService } from './deployed-service.ts';

export function describeAwsSdkTour(service: () => DeployedService): void {
  describe('every operation of AWS KMS, with AWS SDK for JavaScript', () => {
    let kms: KMS;
    let succeeded: ReadonlySet<string>;
    beforeAll(() => {
      kms = kmsClient(service().deployed, service().alice);
      succeeded = noteSuccesses(kms);
    });
    afterAll(() => kms?.destroy());

    // Each first call of a function waits for it to start.
    describe.concurrent('at once', () => {
      test.each(Object.keys(tours))('%s', async (name) => {
        await tours[name]!(kms);
      });
    });

    test('none is left out', () => {
      const onTheWire = operations.filter(({ wire }) => wire !== false).map(({ name }) => name);

      expect(onTheWire.filter((name) => !succeeded.has(name) && !provenElsewhere.includes(name))).toEqual([]);
    });
  });
}
