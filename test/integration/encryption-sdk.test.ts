/** AWS's own Encryption SDK against the real server: envelope encryption with contexts, key commitment, several keys, discovery, streams and a cache. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  getClient,
  getLocalCryptographicMaterialsCache,
  KMS,
  KmsKeyringNode,
  type KmsKeyringNodeInput,
  type KmsNodeClientSupplier,
  MultiKeyringNode,
  NodeCachingMaterialsManager,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from '@aws-crypto/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/support/server.ts';

const region = 'eu-central-1';
const accountID = '000000000000';
const { encrypt, decrypt, encryptStream, decryptUnsignedMessageStream } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const context = { tenant: 'blue', purpose: 'tour' };
const plaintext = Buffer.from('attack at dawn');
let server: TestServer;
let kms: KMS;

beforeAll(async () => {
  server = await startServer();
  kms = clientOf();
});
afterAll(async () => {
  kms?.destroy();
  await server?.remove();
});

function clientOf(): KMS {
  const { accessKeyId, secretAccessKey } = server.credentials;
  return new KMS({ endpoint: server.endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
}
const newKey = async (): Promise<string> => (await kms.createKey({})).KeyMetadata?.Arn ?? '';
// The SDK's types do not hold under exactOptionalPropertyTypes, so its clients are cast.
const keyring = (input: Omit<KmsKeyringNodeInput, 'clientProvider'>): KmsKeyringNode =>
  new KmsKeyringNode({ ...input, clientProvider: (() => kms) as unknown as KmsNodeClientSupplier });
const discovery = (accountIDs = [accountID]): KmsKeyringNode => keyring({ discovery: true, discoveryFilter: { partition: 'aws', accountIDs } });

/** How often each operation was asked for while `work` ran. Its record is durable before its answer. */
async function callsDuring<Name extends string>(operations: readonly Name[], work: () => Promise<unknown>): Promise<Record<Name, number>> {
  const count = (name: Name): number => server.auditRecords().filter(({ operation }) => operation === name).length;
  const before = operations.map(count);
  await work();
  return Object.fromEntries(operations.map((name, at) => [name, count(name) - before[at]!])) as Record<Name, number>;
}

describe('one key', () => {
  test('a message with a context comes back, committed to its key and signed, with that context', async () => {
    const ring = keyring({ generatorKeyId: await newKey() });

    const { result } = await encrypt(ring, plaintext, { encryptionContext: context });
    const { plaintext: opened, messageHeader } = await decrypt(ring, result);

    expect(opened).toEqual(plaintext);
    expect(messageHeader.suiteId).toBe(AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384);
    expect(messageHeader.encryptionContext).toMatchObject(context);
    // The SDK binds its own public key into the context of the data key, so the service has authenticated it.
    expect(messageHeader.encryptionContext).toHaveProperty('aws-crypto-public-key');
    expect(result.includes(plaintext)).toBe(false);
  });

  test('a changed context, data key or commitment is refused', async () => {
    const ring = keyring({ generatorKeyId: await newKey() });
    const { result } = await encrypt(ring, plaintext, { encryptionContext: context });
    const changed = (at: number): Buffer => Buffer.from(result.map((byte, index) => (index === at ? byte ^ 1 : byte)));
    const value = result.indexOf('tenant') + 'tenant'.length + 2;
    const { messageHeader } = await decrypt(ring, result);
    const { suiteData: commitment = new Uint8Array() } = messageHeader as { suiteData?: Uint8Array };
    const wrapped = result.indexOf(Buffer.from(messageHeader.encryptedDataKeys[0]!.encryptedDataKey));

    for (const at of [value, wrapped + 40]) await expect(decrypt(ring, changed(at))).rejects.toThrow(/InvalidCiphertext|unencryptedDataKey/i);
    expect(commitment).toHaveLength(32);
    await expect(decrypt(ring, changed(result.indexOf(Buffer.from(commitment))))).rejects.toThrow(/[Cc]ommit/);
  });

  test('messages without commitment are refused by a client that requires it, and opened by one that does not', async () => {
    const ring = keyring({ generatorKeyId: await newKey() });
    const old = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
    const { result } = await old.encrypt(ring, plaintext, { suiteId: AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA256 });

    await expect(decrypt(ring, result)).rejects.toThrow(/[Cc]ommit/);
    expect((await old.decrypt(ring, result)).plaintext).toEqual(plaintext);
  });

  test('an alias generates; its key opens', async () => {
    const arn = await newKey();
    await kms.createAlias({ AliasName: 'alias/encryption-sdk', TargetKeyId: arn });

    const { result } = await encrypt(keyring({ generatorKeyId: `arn:aws:kms:${region}:${accountID}:alias/encryption-sdk` }), plaintext);
    const { plaintext: opened, messageHeader } = await decrypt(keyring({ keyIds: [arn] }), result);

    expect(opened).toEqual(plaintext);
    expect(messageHeader.encryptedDataKeys.map(({ providerInfo }) => providerInfo)).toEqual([arn]);
  });

  test('a megabyte goes through streams', async () => {
    const ring = keyring({ generatorKeyId: await newKey() });
    const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
    const large = randomBytes(1024 * 1024);

    const sealed = await buffer(Readable.from([large]).pipe(encryptStream(ring, { suiteId, encryptionContext: context, frameLength: 4096 })));
    const opened = await buffer(Readable.from([sealed]).pipe(decryptUnsignedMessageStream(ring)));

    expect(opened.equals(large)).toBe(true);
  });
});

describe('several keys', () => {
  test('each of a generator and two more opens the message, also when the others are disabled; with all of them disabled nobody does', async () => {
    const arns = [await newKey(), await newKey(), await newKey()] as const;
    const [generatorKeyId, ...keyIds] = arns;
    const { result } = await encrypt(keyring({ generatorKeyId, keyIds }), plaintext, { encryptionContext: context });

    const alone = await Promise.all(arns.map((arn) => decrypt(keyring({ keyIds: [arn] }), result)));
    await kms.disableKey({ KeyId: arns[0] });
    await kms.disableKey({ KeyId: arns[1] });
    const byTheLast = await decrypt(keyring({ generatorKeyId, keyIds }), result);
    await expect(decrypt(keyring({ keyIds: [arns[1]] }), result)).rejects.toThrow(/Disabled/i);
    await kms.disableKey({ KeyId: arns[2] });
    await expect(decrypt(keyring({ generatorKeyId, keyIds }), result)).rejects.toThrow();

    for (const { plaintext: opened } of [...alone, byTheLast]) expect(opened).toEqual(plaintext);
    expect(byTheLast.messageHeader.encryptedDataKeys.map(({ providerInfo }) => providerInfo)).toEqual(arns);
  });

  test('a key that the message was not encrypted under opens nothing', async () => {
    const { result } = await encrypt(keyring({ generatorKeyId: await newKey() }), plaintext);

    await expect(decrypt(keyring({ keyIds: [await newKey()] }), result)).rejects.toThrow(/unencryptedDataKey/);
  });

  test('a key of the service and one that the client holds itself: either opens', async () => {
    const arn = await newKey();
    const own = new RawAesKeyringNode({
      keyName: 'escrow',
      keyNamespace: 'offline',
      unencryptedMasterKey: Uint8Array.from(randomBytes(32)),
      wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
    });
    const { result } = await encrypt(new MultiKeyringNode({ generator: keyring({ generatorKeyId: arn }), children: [own] }), plaintext, { encryptionContext: context });

    expect((await decrypt(keyring({ keyIds: [arn] }), result)).plaintext).toEqual(plaintext);
    expect((await decrypt(own, result)).plaintext).toEqual(plaintext);
  });

  test('discovery opens with whatever key of the accounts it trusts, and with none of another account', async () => {
    const { result } = await encrypt(keyring({ generatorKeyId: await newKey(), keyIds: [await newKey()] }), plaintext);

    expect((await decrypt(discovery(), result)).plaintext).toEqual(plaintext);
    await expect(decrypt(discovery(['111122223333']), result)).rejects.toThrow(/unencryptedDataKey/);
  });

  test("the SDK's own client supplier finds the Region in the key's ARN", async () => {
    const arn = await newKey();
    const { accessKeyId, secretAccessKey } = server.credentials;
    const supplierOf = getClient as unknown as (client: typeof KMS, settings: object) => KmsNodeClientSupplier;
    const ring = new KmsKeyringNode({ clientProvider: supplierOf(KMS, { endpoint: server.endpoint, credentials: { accessKeyId, secretAccessKey } }), generatorKeyId: arn });

    const { result } = await encrypt(ring, plaintext);

    expect((await decrypt(ring, result)).plaintext).toEqual(plaintext);
  });
});

test('under a context that the key policy does not allow no message is made', async () => {
  const { KeyMetadata } = await kms.createKey({});
  const ring = keyring({ generatorKeyId: KeyMetadata?.Arn ?? '' });
  const Statement = [
    { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountID}:root` }, Action: 'kms:*', Resource: '*' },
    { Effect: 'Deny', Principal: '*', Action: 'kms:GenerateDataKey', Resource: '*', Condition: { StringNotEquals: { 'kms:EncryptionContext:tenant': 'blue' } } },
  ];
  await kms.putKeyPolicy({ KeyId: KeyMetadata?.KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });

  await expect(encrypt(ring, plaintext, { encryptionContext: { tenant: 'red' } })).rejects.toThrow(/AccessDenied|not authorized/);
  const { result } = await encrypt(ring, plaintext, { encryptionContext: context });

  expect((await decrypt(ring, result)).plaintext).toEqual(plaintext);
});

test('a caching materials manager asks the service once for ten messages, and once to open them', async () => {
  const backingMaterials = keyring({ generatorKeyId: await newKey() });
  const manager = new NodeCachingMaterialsManager({ backingMaterials, cache: getLocalCryptographicMaterialsCache(100), maxAge: 600_000, maxMessagesEncrypted: 100 });
  const sealed: Buffer[] = [];

  const sealing = await callsDuring(['GenerateDataKey', 'Decrypt'], async () => {
    for (let at = 0; at < 10; at += 1) sealed.push((await encrypt(manager, Buffer.from(`message ${at}`), { encryptionContext: context, plaintextLength: 9 })).result);
  });
  const opening = await callsDuring(['GenerateDataKey', 'Decrypt'], async () => {
    for (const [at, message] of sealed.entries()) expect((await decrypt(manager, message)).plaintext.toString()).toBe(`message ${at}`);
  });

  expect(sealing).toEqual({ GenerateDataKey: 1, Decrypt: 0 });
  expect(opening).toEqual({ GenerateDataKey: 0, Decrypt: 1 });
});
