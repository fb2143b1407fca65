/** The unmodified AWS SDK brings key material into the real server: SigV4, SQLite, the bridge and SoftHSM. */
import { createDecipheriv, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  EncryptCommand,
  ExpirationModelType,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  ImportKeyMaterialCommand,
  type ImportKeyMaterialCommandInput,
  IncorrectKeyMaterialException,
  InvalidCiphertextException,
  InvalidImportTokenException,
  KMSClient,
  KMSInvalidStateException,
  paginateListKeyRotations,
  RotateKeyOnDemandCommand,
  SignCommand,
  UnsupportedOperationException,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type WrappingAlgorithm, wrappingAlgorithms } from '#shared/algorithms/wrapping.ts';
import { startServer, type TestServer } from '#test/support/server.ts';
import { wrapMaterial } from '#test/support/wrap-material.ts';

const region = 'eu-central-1';
let server: TestServer;
let kms: KMSClient;
beforeAll(async () => {
  server = await startServer();
  const { accessKeyId, secretAccessKey } = server.credentials;
  kms = new KMSClient({ endpoint: server.endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
});
afterAll(async () => {
  kms?.destroy();
  await server?.remove();
});

const forEver = { ExpirationModel: ExpirationModelType.KEY_MATERIAL_DOES_NOT_EXPIRE };
async function createExternal(input: Partial<CreateKeyCommandInput> = {}): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL', ...input }));
  expect(KeyMetadata?.KeyState).toBe('PendingImport');
  return KeyMetadata!.KeyId!;
}
async function importRequest(
  KeyId: string,
  material: Uint8Array,
  members: Partial<ImportKeyMaterialCommandInput> = forEver,
  algorithm: WrappingAlgorithm = 'RSAES_OAEP_SHA_256',
): Promise<ImportKeyMaterialCommandInput> {
  const parameters = await kms.send(new GetParametersForImportCommand({ KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: 'RSA_2048' }));
  expect(parameters.ParametersValidTo!.getTime()).toBeGreaterThan(Date.now() + 86_000_000);
  return { KeyId, ImportToken: parameters.ImportToken, EncryptedKeyMaterial: wrapMaterial(parameters.PublicKey!, algorithm, material), ...members };
}
const importInto = async (...given: Parameters<typeof importRequest>) => kms.send(new ImportKeyMaterialCommand(await importRequest(...given)));
const stateOf = async (KeyId: string) => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;

test('a symmetric key: import, use, expiry date, deletion, the same material again', async () => {
  const KeyId = await createExternal();
  const material = randomBytes(32);
  const ValidTo = new Date(Math.floor(Date.now() / 1000) * 1000 + 86_400_000);

  const { KeyMaterialId } = await importInto(KeyId, material, { ValidTo, KeyMaterialDescription: 'from the vault' });
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('hello') }));
  expect(await stateOf(KeyId)).toMatchObject({ KeyState: 'Enabled', ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo, CurrentKeyMaterialId: KeyMaterialId });

  await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId }));
  await expect(kms.send(new DecryptCommand({ CiphertextBlob }))).rejects.toBeInstanceOf(KMSInvalidStateException);
  await expect(importInto(KeyId, randomBytes(32))).rejects.toBeInstanceOf(IncorrectKeyMaterialException);
  const again = await importInto(KeyId, material);

  expect(again.KeyMaterialId).toBe(KeyMaterialId);
  const opened = await kms.send(new DecryptCommand({ CiphertextBlob }));
  expect(Buffer.from(opened.Plaintext!).toString()).toBe('hello');
  expect(opened.KeyMaterialId).toBe(KeyMaterialId);
});

test('what the service encrypts under imported material is AES-256-GCM under that very material', async () => {
  const KeyId = await createExternal();
  const material = randomBytes(32);
  await importInto(KeyId, material);

  const blob = Buffer.from((await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('hello') }))).CiphertextBlob!);

  // Without the additional data the tag cannot be checked; the key stream shows the key (docs/adr/0009).
  const decipher = createDecipheriv('aes-256-gcm', material, blob.subarray(22, 34));
  expect(decipher.update(blob.subarray(34, -16)).toString()).toBe('hello');
});

test.each(wrappingAlgorithms)('%s: an EC key signs with the public half of its owner', async (algorithm) => {
  const KeyId = await createExternal({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

  await importInto(KeyId, pair.privateKey.export({ format: 'der', type: 'pkcs8' }), forEver, algorithm);
  const { Signature } = await kms.send(new SignCommand({ KeyId, Message: Buffer.from('message'), SigningAlgorithm: 'ECDSA_SHA_256' }));

  expect(verify('sha256', Buffer.from('message'), pair.publicKey, Signature!)).toBe(true);
  expect(Buffer.from((await kms.send(new GetPublicKeyCommand({ KeyId }))).PublicKey!)).toEqual(pair.publicKey.export({ format: 'der', type: 'spki' }));
});

test('rotation to new material', async () => {
  const KeyId = await createExternal();
  await importInto(KeyId, randomBytes(32));
  const old = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('old') }));
  await importInto(KeyId, randomBytes(32), { ...forEver, ImportType: 'NEW_KEY_MATERIAL' });

  await kms.send(new RotateKeyOnDemandCommand({ KeyId }));

  const states: unknown[] = [];
  for await (const page of paginateListKeyRotations({ client: kms, pageSize: 1 }, { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })) {
    states.push(...(page.Rotations ?? []).map(({ KeyMaterialState, ImportState }) => [KeyMaterialState, ImportState]));
  }
  expect(states).toEqual([
    ['NON_CURRENT', 'IMPORTED'],
    ['CURRENT', 'IMPORTED'],
  ]);
  expect(Buffer.from((await kms.send(new DecryptCommand({ CiphertextBlob: old.CiphertextBlob }))).Plaintext!).toString()).toBe('old');
});

test('errors arrive as the exceptions of the SDK', async () => {
  const [KeyId, other] = [await createExternal(), await createExternal()];
  const request = await importRequest(KeyId, randomBytes(32));
  const send = (members: Partial<ImportKeyMaterialCommandInput>) => kms.send(new ImportKeyMaterialCommand({ ...request, ...members }));

  await expect(send({ KeyId: other })).rejects.toBeInstanceOf(InvalidImportTokenException);
  await expect(send({ ImportToken: randomBytes(500) })).rejects.toBeInstanceOf(InvalidImportTokenException);
  await expect(send({ EncryptedKeyMaterial: randomBytes(256) })).rejects.toBeInstanceOf(InvalidCiphertextException);
  await expect(importInto(KeyId, randomBytes(16))).rejects.toBeInstanceOf(IncorrectKeyMaterialException);
  const pkcs1 = new GetParametersForImportCommand({ KeyId, WrappingAlgorithm: 'RSAES_PKCS1_V1_5', WrappingKeySpec: 'RSA_2048' });
  await expect(kms.send(pkcs1)).rejects.toBeInstanceOf(UnsupportedOperationException);
});

test('survives a crash: what was imported is there after kill -9', async () => {
  const KeyId = await createExternal();
  await importInto(KeyId, randomBytes(32));
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('kept') }));

  await server.kill9();
  await server.restart();

  const answer = await server.call('Decrypt', { CiphertextBlob: Buffer.from(CiphertextBlob!).toString('base64') }, { region });
  expect(Buffer.from(answer.body.Plaintext, 'base64').toString()).toBe('kept');
});
