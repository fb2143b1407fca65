/** Custom key stores with the AWS SDK: one server, its own bridge, and a second bridge on a second SoftHSM token. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudHsmClusterInvalidConfigurationException,
  CloudHsmClusterNotActiveException,
  CloudHsmClusterNotFoundException,
  ConnectCustomKeyStoreCommand,
  CreateCustomKeyStoreCommand,
  CreateKeyCommand,
  CustomKeyStoreHasCMKsException,
  DecryptCommand,
  DeleteCustomKeyStoreCommand,
  DependencyTimeoutException,
  DescribeCustomKeyStoresCommand,
  DescribeKeyCommand,
  DisconnectCustomKeyStoreCommand,
  EncryptCommand,
  GenerateRandomCommand,
  GetPublicKeyCommand,
  IncorrectTrustAnchorException,
  KMSClient,
  KMSInvalidStateException,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  SignCommand,
  UpdateCustomKeyStoreCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority } from '#bridge/pki/certificates.ts';
import { startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { createDataDir, startServer, type TestServer } from '#test/support/server.ts';
import { createOwnToken } from '#test/support/token.ts';

const second = 'cluster-secondhsm22';
/** The right address and the certificate of another authority. */
const distrusted = 'cluster-distrusted22';
/** The server's own HSM keys, behind another bridge. */
const unrelated = 'cluster-unrelated222';

let dataDir: string;
let bridge: TestBridge;
let homeTwin: TestBridge;
let server: TestServer;
let kms: KMSClient;
let otherAuthority: string;

beforeAll(async () => {
  [dataDir, bridge, homeTwin, { certificate: otherAuthority }] = await Promise.all([
    createDataDir(),
    createOwnToken().then((token) => startTestBridge({ token })),
    startTestBridge(),
    createAuthority(),
  ]);
  const entry = async (clusterId: string, of: TestBridge, ca?: string) => {
    const credentials = await of.credentials('admin');
    const files = { ca: `${clusterId}-ca.pem`, certificate: `${clusterId}.pem`, key: `${clusterId}-key.pem` };
    for (const [file, text] of [
      [files.ca, ca ?? credentials.ca],
      [files.certificate, credentials.cert],
      [files.key, credentials.key],
    ] as const)
      writeFileSync(join(dataDir, file), text, { mode: 0o600 });
    return { clusterId, url: credentials.url, hsmProfile: 'softhsm2', ...files };
  };
  const keyStores = [await entry(second, bridge), await entry(distrusted, bridge, otherAuthority), await entry(unrelated, homeTwin, bridge.authority.certificate)];
  writeFileSync(join(dataDir, 'key-stores.json'), JSON.stringify({ keyStores }));
  server = await startServer({ dataDir, env: { CHATELAINE_SWEEP_SECONDS: '3600' } });
  const { accessKeyId, secretAccessKey } = server.credentials;
  kms = new KMSClient({ endpoint: server.endpoint, region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
});
afterAll(async () => {
  kms?.destroy();
  await server?.remove();
  await Promise.all([bridge?.stop(), homeTwin?.stop()]);
  rmSync(dataDir, { recursive: true, force: true });
});

let names = 0;
const create = async (): Promise<string> => {
  const members = { CustomKeyStoreName: `store ${++names}`, CloudHsmClusterId: second, TrustAnchorCertificate: bridge.authority.certificate, KeyStorePassword: 'not-needed-here' };
  return (await kms.send(new CreateCustomKeyStoreCommand(members))).CustomKeyStoreId!;
};
const connect = (CustomKeyStoreId: string) => kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId }));
const disconnect = (CustomKeyStoreId: string) => kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId }));
const encrypt = (KeyId: string) => kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('plaintext') }));
const decrypt = async (CiphertextBlob: Uint8Array | undefined) => Buffer.from((await kms.send(new DecryptCommand({ CiphertextBlob }))).Plaintext!).toString();

test('the life of a key store, through every state, while the keys of the default store go on', async () => {
  const CustomKeyStoreId = await create();
  const own = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!;
  await connect(CustomKeyStoreId);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId }));
  const KeyId = KeyMetadata!.KeyId!;
  const signing = (await kms.send(new CreateKeyCommand({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }))).KeyMetadata!.KeyId!;

  // Used, and used by the second HSM alone.
  const { CiphertextBlob } = await encrypt(KeyId);
  expect(await decrypt(CiphertextBlob)).toBe('plaintext');
  await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
  expect(await decrypt(CiphertextBlob)).toBe('plaintext');
  expect((await kms.send(new GenerateRandomCommand({ NumberOfBytes: 32, CustomKeyStoreId }))).Plaintext).toHaveLength(32);
  expect((await kms.send(new GetPublicKeyCommand({ KeyId: signing }))).PublicKey).toBeDefined();
  expect(KeyMetadata).toMatchObject({ CustomKeyStoreId, CloudHsmClusterId: second, Origin: 'AWS_CLOUDHSM', KeyState: 'Enabled' });

  // From one store to the other and back: no HSM has both keys.
  const moved = await kms.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: own }));
  const back = await kms.send(new ReEncryptCommand({ CiphertextBlob: moved.CiphertextBlob, DestinationKeyId: KeyId }));
  expect(await decrypt(moved.CiphertextBlob)).toBe('plaintext');
  expect(await decrypt(back.CiphertextBlob)).toBe('plaintext');

  await disconnect(CustomKeyStoreId);
  await expect(encrypt(KeyId)).rejects.toBeInstanceOf(KMSInvalidStateException);
  expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState).toBe('Unavailable');
  expect(await decrypt(moved.CiphertextBlob)).toBe('plaintext');
  await expect(kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId }))).rejects.toBeInstanceOf(CustomKeyStoreHasCMKsException);
  await expect(kms.send(new UpdateCustomKeyStoreCommand({ CustomKeyStoreId, CloudHsmClusterId: distrusted }))).rejects.toBeInstanceOf(CloudHsmClusterInvalidConfigurationException);

  await connect(CustomKeyStoreId);
  expect(await decrypt(back.CiphertextBlob)).toBe('plaintext');

  // The second bridge dies: its keys fail, the others do not, and nothing is lost.
  await bridge.kill();
  await expect(encrypt(KeyId)).rejects.toBeInstanceOf(DependencyTimeoutException);
  await expect(kms.send(new SignCommand({ KeyId: signing, Message: Buffer.from('m'), SigningAlgorithm: 'ECDSA_SHA_256' }))).rejects.toBeInstanceOf(DependencyTimeoutException);
  await expect(kms.send(new CreateKeyCommand({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId }))).rejects.toBeInstanceOf(DependencyTimeoutException);
  expect(await decrypt(moved.CiphertextBlob)).toBe('plaintext');
  expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState).toBe('Enabled');
  await disconnect(CustomKeyStoreId);
  await expect(connect(CustomKeyStoreId)).rejects.toBeInstanceOf(CloudHsmClusterNotActiveException);
  await bridge.restart();
  await connect(CustomKeyStoreId);
  expect(await decrypt(back.CiphertextBlob)).toBe('plaintext');

  const { CustomKeyStores } = await kms.send(new DescribeCustomKeyStoresCommand({ CustomKeyStoreId }));
  expect(CustomKeyStores).toMatchObject([{ CustomKeyStoreId, CloudHsmClusterId: second, ConnectionState: 'CONNECTED', CustomKeyStoreType: 'AWS_CLOUDHSM' }]);
  expect(server.output).not.toContain('not-needed-here');
  expect(JSON.stringify(server.auditRecords())).not.toContain('not-needed-here');
});

test('a bridge that is not listed, another trust anchor, and a bridge whose certificate does not come from its trust anchor are refused', async () => {
  const members = { CustomKeyStoreName: 'refused', KeyStorePassword: 'password', TrustAnchorCertificate: bridge.authority.certificate };
  const attempt = (CloudHsmClusterId: string, TrustAnchorCertificate = members.TrustAnchorCertificate) =>
    kms.send(new CreateCustomKeyStoreCommand({ ...members, CloudHsmClusterId, TrustAnchorCertificate }));

  await expect(attempt('cluster-nosuchhsm222')).rejects.toBeInstanceOf(CloudHsmClusterNotFoundException);
  await expect(attempt(distrusted)).rejects.toBeInstanceOf(IncorrectTrustAnchorException);
  // The anchor fits the configuration, and the TLS handshake fails.
  await expect(attempt(distrusted, otherAuthority)).rejects.toBeInstanceOf(CloudHsmClusterNotActiveException);
  await expect(attempt(unrelated)).rejects.toBeInstanceOf(CloudHsmClusterNotActiveException);
});
