/** Custom key stores through the deployed API: a second bridge with an HSM of its own, which only the functions of its caller classes reach. */
import type { KMS } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secondCluster } from '#test/support/deploy.ts';
import { kmsClient } from '#test/support/deployed-callers.ts';
import type { DeployedService } from './deployed-service.ts';

const Plaintext = Buffer.from('attack at dawn');

export function describeKeyStores(service: () => DeployedService): void {
  describe('custom key stores, with AWS SDK for JavaScript', () => {
    let kms: KMS;
    let CustomKeyStoreId: string;
    const errorName = (request: Promise<unknown>): Promise<string> => request.then(() => 'none').catch((error: Error) => error.name);
    const stateOf = async (KeyId: string) => (await kms.describeKey({ KeyId })).KeyMetadata?.KeyState;
    const opened = async (CiphertextBlob: Uint8Array | undefined) => Buffer.from((await kms.decrypt({ CiphertextBlob })).Plaintext ?? []).toString();
    beforeAll(async () => {
      const { deployed, alice } = service();
      kms = kmsClient(deployed, alice);
      const members = { CustomKeyStoreName: 'second', CloudHsmClusterId: secondCluster, KeyStorePassword: 'not-used' };
      const created = await kms.createCustomKeyStore({ ...members, TrustAnchorCertificate: deployed.secondBridge.authority.certificate });
      CustomKeyStoreId = created.CustomKeyStoreId ?? '';
    });
    afterAll(() => kms?.destroy());

    test('a key is made and used in the second HSM, is Unavailable while its store is disconnected, and the keys of the default HSM go on', async () => {
      const { secondBridge } = service().deployed;
      const early = await errorName(kms.createKey({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId }));
      await kms.connectCustomKeyStore({ CustomKeyStoreId });
      const { KeyMetadata } = await kms.createKey({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId });
      const KeyId = KeyMetadata?.KeyId ?? '';
      const own = (await kms.createKey({})).KeyMetadata?.KeyId ?? '';
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
      const moved = await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: own });

      expect(early).toBe('CustomKeyStoreInvalidStateException');
      expect(KeyMetadata).toMatchObject({ CustomKeyStoreId, CloudHsmClusterId: secondCluster, Origin: 'AWS_CLOUDHSM', KeyState: 'Enabled' });
      expect(await opened(CiphertextBlob)).toBe('attack at dawn');

      await kms.disconnectCustomKeyStore({ CustomKeyStoreId });
      expect(await stateOf(KeyId)).toBe('Unavailable');
      expect([await errorName(kms.encrypt({ KeyId, Plaintext })), await errorName(kms.decrypt({ CiphertextBlob }))]).toEqual([
        'KMSInvalidStateException',
        'KMSInvalidStateException',
      ]);
      expect(await opened(moved.CiphertextBlob)).toBe('attack at dawn');

      await kms.connectCustomKeyStore({ CustomKeyStoreId });
      await secondBridge.kill();
      expect(await errorName(kms.encrypt({ KeyId, Plaintext }))).toBe('DependencyTimeoutException');
      expect(await opened(moved.CiphertextBlob)).toBe('attack at dawn');
      await secondBridge.restart();
      expect(await opened(CiphertextBlob)).toBe('attack at dawn');
    });
  });
}
