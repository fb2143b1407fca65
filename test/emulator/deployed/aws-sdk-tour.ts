/** The tour of the single node (test/integration/kms-tour.test.ts), through API Gateway, the dispatcher and one function per operation. */
import { buildClient, CommitmentPolicy, KmsKeyringNode, type KmsNodeClientSupplier } from '@aws-crypto/client-node';
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

    test('the AWS Encryption SDK seals and opens a message under two keys, one of them disabled', async () => {
      const clientProvider = (() => kms) as unknown as KmsNodeClientSupplier;
      const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
      const [generatorKeyId = '', other = ''] = [(await kms.createKey({})).KeyMetadata?.Arn, (await kms.createKey({})).KeyMetadata?.Arn];
      const ring = new KmsKeyringNode({ clientProvider, generatorKeyId, keyIds: [other] });

      const { result } = await encrypt(ring, 'attack at dawn', { encryptionContext: { tenant: 'blue' } });
      await kms.disableKey({ KeyId: generatorKeyId });
      const { plaintext, messageHeader } = await decrypt(ring, result);

      expect(plaintext.toString()).toBe('attack at dawn');
      expect(messageHeader.encryptionContext).toMatchObject({ tenant: 'blue' });
    });

    test('none is left out', () => {
      const onTheWire = operations.filter(({ wire }) => wire !== false).map(({ name }) => name);

      expect(onTheWire.filter((name) => !succeeded.has(name) && !provenElsewhere.includes(name))).toEqual([]);
    });
  });
}
