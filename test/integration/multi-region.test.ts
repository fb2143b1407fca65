/** The unmodified AWS SDK in two Regions of the real server, with the same credentials: SigV4, SQLite, the bridge and SoftHSM. */
import {
  AlreadyExistsException,
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateMacCommand,
  KMSClient,
  ListAliasesCommand,
  ReplicateKeyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  UnsupportedOperationException,
  UpdatePrimaryRegionCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '#test/support/server.ts';

const frankfurt = 'eu-central-1';
const dublin = 'eu-west-1';
let server: TestServer;
let inFrankfurt: KMSClient;
let inDublin: KMSClient;
beforeAll(async () => {
  server = await startServer();
  const { accessKeyId, secretAccessKey } = server.credentials;
  const connect = (region: string) => new KMSClient({ endpoint: server.endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
  inFrankfurt = connect(frankfurt);
  inDublin = connect(dublin);
});
afterAll(async () => {
  inFrankfurt?.destroy();
  inDublin?.destroy();
  await server?.remove();
});

const stateOf = async (kms: KMSClient, KeyId: string) => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState;
/** As a client of AWS KMS waits: the state is transient. */
const untilEnabled = (kms: KMSClient, KeyId: string) => vi.waitUntil(async () => (await stateOf(kms, KeyId)) === 'Enabled', { timeout: 20_000, interval: 50 });

async function replicated(input: ConstructorParameters<typeof CreateKeyCommand>[0] = {}): Promise<string> {
  const { KeyMetadata } = await inFrankfurt.send(new CreateKeyCommand({ MultiRegion: true, ...input }));
  const KeyId = KeyMetadata!.KeyId!;
  await inFrankfurt.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: dublin }));
  await untilEnabled(inDublin, KeyId);
  return KeyId;
}

test('a ciphertext of Frankfurt is opened in Dublin, before and after a rotation, and the other way round', async () => {
  const KeyId = await replicated();
  const first = await inFrankfurt.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('first') }));
  await inFrankfurt.send(new RotateKeyOnDemandCommand({ KeyId }));
  const second = await inDublin.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('second') }));

  const opened = await inDublin.send(new DecryptCommand({ CiphertextBlob: first.CiphertextBlob }));
  const back = await inFrankfurt.send(new DecryptCommand({ CiphertextBlob: second.CiphertextBlob }));

  expect(KeyId).toMatch(/^mrk-[0-9a-f]{32}$/);
  expect(Buffer.from(opened.Plaintext!).toString()).toBe('first');
  expect(opened.KeyId).toMatch(`kms:${dublin}:`);
  expect(Buffer.from(back.Plaintext!).toString()).toBe('second');
});

test('signatures and MACs of one Region hold in the other, HSM keys and sealed seeds alike', async () => {
  const ec = await replicated({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  const pq = await replicated({ KeySpec: 'ML_DSA_44', KeyUsage: 'SIGN_VERIFY' });
  const hmac = await replicated({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
  const Message = Buffer.from('message');

  for (const [KeyId, SigningAlgorithm] of [
    [ec, 'ECDSA_SHA_256'],
    [pq, 'ML_DSA_SHAKE_256'],
  ] as const) {
    const { Signature } = await inDublin.send(new SignCommand({ KeyId, Message, SigningAlgorithm }));
    expect(await inFrankfurt.send(new VerifyCommand({ KeyId, Message, SigningAlgorithm, Signature }))).toMatchObject({ SignatureValid: true });
  }
  const { Mac } = await inDublin.send(new GenerateMacCommand({ KeyId: hmac, Message, MacAlgorithm: 'HMAC_SHA_256' }));
  expect(await inFrankfurt.send(new VerifyMacCommand({ KeyId: hmac, Message, MacAlgorithm: 'HMAC_SHA_256', Mac }))).toMatchObject({ MacValid: true });
});

test('the primary key moves to Dublin, and Frankfurt then refuses what is for the primary key', async () => {
  const KeyId = await replicated();

  await inFrankfurt.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: dublin }));
  await untilEnabled(inDublin, KeyId);

  const { KeyMetadata } = await inFrankfurt.send(new DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata?.MultiRegionConfiguration).toMatchObject({ MultiRegionKeyType: 'REPLICA', PrimaryKey: { Region: dublin }, ReplicaKeys: [{ Region: frankfurt }] });
  await expect(inFrankfurt.send(new RotateKeyOnDemandCommand({ KeyId }))).rejects.toThrow(UnsupportedOperationException);
  await expect(inDublin.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: frankfurt }))).rejects.toThrow(AlreadyExistsException);
});

test('state and aliases are of one Region, and the primary key waits for its replica before it is destroyed', async () => {
  const KeyId = await replicated();
  await inDublin.send(new CreateAliasCommand({ AliasName: 'alias/only-in-dublin', TargetKeyId: KeyId }));
  await inDublin.send(new DisableKeyCommand({ KeyId }));

  const elsewhere = await inFrankfurt.send(new ListAliasesCommand({ KeyId }));
  const state = await stateOf(inFrankfurt, KeyId);
  const scheduled = await inFrankfurt.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));

  expect(elsewhere.Aliases).toEqual([]);
  expect(state).toBe('Enabled');
  expect(scheduled).toMatchObject({ KeyState: 'PendingReplicaDeletion', PendingWindowInDays: 7 });
  expect(scheduled.DeletionDate).toBeUndefined();
});
