import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { putKeyStores, readKeyStores } from '#shared/repositories/key-store-records.ts';
import { keyStoresRow, usageRow } from '#shared/repositories/rows.ts';
import { sealWrites } from '#shared/repositories/seal.ts';
import { importRequest } from '#test/support/import-request.ts';
import { type Answer, alice, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { clusters, createKeyInStore, createStore, otherAnchor, storeMembers } from '#test/support/key-stores.ts';
import { base64, createSampleKeys, roleDocument, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';
import { writeKey } from '#test/support/set-key-state.ts';

let app: InProcess;
let keys: SampleKeys;
beforeEach(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

/** The operation's good request with other members. */
const change =
  (members: (now: SampleKeys) => Members) =>
  async (operation: string): Promise<Answer> =>
    app.call(operation, { ...(await sampleRequest(app, keys, operation)), ...members(keys) });

const wrongUsage = change((now) => ({ KeyId: now.hmac }));
const contextOnRsa = change((now) => ({ KeyId: now.rsa, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256', EncryptionContext: { a: 'b' } }));
const badMarker = change(() => ({ Marker: 'nonsense' }));
const notSymmetric = change((now) => ({ KeyId: now.rsa }));
const hugePolicy = JSON.stringify({ Statement: { Sid: 'x'.repeat(40_000), Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' } });
const someone = 'arn:aws:iam::111122223333:user/someone';
const noName = change(() => ({ AliasName: 'alias/' }));
const awsName = change(() => ({ AliasName: 'alias/aws/s3' }));
const noPairSpec = change(() => ({ KeyPairSpec: 'ML_DSA_44' }));
const noPrefix = change(() => ({ AliasName: 'name' }));

async function fullOfAliases(operation: string): Promise<Answer> {
  const target = operation === 'UpdateAlias' ? keys.otherSymmetric : keys.symmetric;
  for (let at = 0; at < 50; at += 1) await app.must('CreateAlias', { AliasName: `alias/full-${at}`, TargetKeyId: target });
  return await change(() => ({}))(operation);
}

const ofOwnOrigin = change((now) => ({ KeyId: now.symmetric }));
const externalHmac = async (): Promise<string> =>
  ((await app.must('CreateKey', { Origin: 'EXTERNAL', KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })).KeyMetadata as { KeyId: string }).KeyId;

const noStore = 'cks-00000000000000000';
const noSuchStore = change(() => ({ CustomKeyStoreId: noStore }));
const downBridge: Producer = async (operation) => {
  const members = await sampleRequest(app, keys, operation);
  for (const bridge of Object.values(app.storeBridges)) bridge.failWith = 'unavailable';
  return app.call(operation, { ...members, ...(operation === 'UpdateCustomKeyStore' ? { CloudHsmClusterId: clusters.twin } : {}) });
};
const otherKeys: Producer = async (operation) => {
  const members = await sampleRequest(app, keys, operation);
  app.storeBridges.second.checkSeals = app.storeBridges.third.checkSeals;
  return app.call(operation, members);
};
const connected: Producer = async (operation) => {
  const CustomKeyStoreId = await createStore(app);
  return app.call(operation, { CustomKeyStoreId, ...(operation === 'UpdateCustomKeyStore' ? { CloudHsmClusterId: clusters.twin } : {}) });
};
const usedName: Producer = async (operation) => {
  await createStore(app, { name: 'taken', cluster: clusters.third, connect: false });
  if (operation === 'CreateCustomKeyStore') return app.call(operation, storeMembers('taken'));
  return app.call(operation, { CustomKeyStoreId: await createStore(app, { connect: false }), NewCustomKeyStoreName: 'taken' });
};
const usedCluster: Producer = async (operation) => {
  await createStore(app, { name: 'other', cluster: clusters.third, connect: false });
  if (operation === 'CreateCustomKeyStore') return app.call(operation, storeMembers('another', clusters.third));
  return app.call(operation, { CustomKeyStoreId: await createStore(app, { connect: false }), CloudHsmClusterId: clusters.third });
};
async function fullOfStores(operation: string): Promise<Answer> {
  await createStore(app, { connect: false });
  const row = keyStoresRow(alice);
  const [item] = await app.store.getMany([row]);
  const [store] = readKeyStores(item!).stores;
  const stores = Array.from({ length: 10 }, (_, at) => ({ ...store!, keyStoreId: `cks-${at}`, name: `store ${at}`, clusterId: `cluster-manyhsm22${at}` }));
  await app.store.transact(await sealWrites(app.crypto, [putKeyStores(alice, stores, item!.rev)]));
  return app.call(operation, storeMembers('one too many'));
}

type Producer = (operation: string) => Promise<Answer>;

/** For each operation a way to each error that it declares. */
const producers: Readonly<Record<string, Readonly<Record<string, Producer>>>> = {
  ConnectCustomKeyStore: {
    CloudHsmClusterInvalidConfigurationException: otherKeys,
    CloudHsmClusterNotActiveException: downBridge,
    CustomKeyStoreInvalidStateException: connected,
    CustomKeyStoreNotFoundException: noSuchStore,
  },
  CreateCustomKeyStore: {
    CloudHsmClusterInUseException: usedCluster,
    CloudHsmClusterInvalidConfigurationException: async (operation) => {
      const members = await sampleRequest(app, keys, operation);
      app.storeBridges.second.failWith = 'forbidden';
      return app.call(operation, members);
    },
    CloudHsmClusterNotActiveException: downBridge,
    CloudHsmClusterNotFoundException: change(() => ({ CloudHsmClusterId: clusters.foreign })),
    CustomKeyStoreNameInUseException: usedName,
    IncorrectTrustAnchorException: change(() => ({ TrustAnchorCertificate: otherAnchor })),
    LimitExceededException: fullOfStores,
    UnsupportedOperationException: change(() => ({ CustomKeyStoreType: 'EXTERNAL_KEY_STORE' })),
    ValidationException: change(() => ({ TrustAnchorCertificate: undefined })),
  },
  DeleteCustomKeyStore: {
    CustomKeyStoreHasCMKsException: async (operation) => {
      const CustomKeyStoreId = await createStore(app);
      await createKeyInStore(app, CustomKeyStoreId);
      await app.must('DisconnectCustomKeyStore', { CustomKeyStoreId });
      return app.call(operation, { CustomKeyStoreId });
    },
    CustomKeyStoreInvalidStateException: connected,
    CustomKeyStoreNotFoundException: noSuchStore,
  },
  DescribeCustomKeyStores: {
    CustomKeyStoreNotFoundException: noSuchStore,
    InvalidMarkerException: badMarker,
    ValidationException: change(() => ({ CustomKeyStoreName: 'both' })),
  },
  DisconnectCustomKeyStore: {
    CustomKeyStoreInvalidStateException: async (operation) => app.call(operation, { CustomKeyStoreId: await createStore(app, { connect: false }) }),
    CustomKeyStoreNotFoundException: noSuchStore,
  },
  UpdateCustomKeyStore: {
    CloudHsmClusterInUseException: usedCluster,
    CloudHsmClusterInvalidConfigurationException: change(() => ({ CloudHsmClusterId: clusters.distrusted })),
    CloudHsmClusterNotActiveException: downBridge,
    CloudHsmClusterNotFoundException: change(() => ({ CloudHsmClusterId: clusters.notConfigured })),
    CloudHsmClusterNotRelatedException: change(() => ({ CloudHsmClusterId: clusters.third })),
    CustomKeyStoreInvalidStateException: connected,
    CustomKeyStoreNameInUseException: usedName,
    CustomKeyStoreNotFoundException: noSuchStore,
    ValidationException: change(() => ({ NewCustomKeyStoreName: undefined })),
  },
  CreateAlias: {
    AlreadyExistsException: async (operation) => {
      const members = await sampleRequest(app, keys, operation);
      await app.must(operation, members);
      return app.call(operation, members);
    },
    InvalidAliasNameException: noName,
    LimitExceededException: fullOfAliases,
    NotAuthorizedException: awsName,
    ValidationException: noPrefix,
  },
  CreateKeyVersion: {
    LimitExceededException: async (operation) => {
      await writeKey(app, keys.signing, (record) => ({ ...record, currentVersion: 100 }));
      return app.call(operation, { KeyId: keys.signing });
    },
    UnsupportedOperationException: change((now) => ({ KeyId: now.symmetric })),
  },
  CreateKey: {
    CustomKeyStoreInvalidStateException: async (operation) => app.call(operation, { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: await createStore(app, { connect: false }) }),
    CustomKeyStoreNotFoundException: change(() => ({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: noStore })),
    LimitExceededException: change(() => ({ Policy: hugePolicy })),
    MalformedPolicyDocumentException: change(() => ({ Policy: '{}' })),
    TagException: change(() => ({ Tags: [1, 2].map(() => ({ TagKey: 'same', TagValue: '' })) })),
    UnsupportedOperationException: change(() => ({ KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' })),
    ValidationException: change(() => ({ KeySpec: 'RSA_2048' })),
  },
  Decapsulate: {
    InvalidCiphertextException: change(() => ({ SharedSecretCiphertextBlob: base64('short') })),
    InvalidKeyUsageException: wrongUsage,
  },
  Decrypt: {
    IncorrectKeyException: change((now) => ({ KeyId: now.otherSymmetric })),
    InvalidCiphertextException: change(() => ({ EncryptionContext: { other: 'context' } })),
    InvalidKeyUsageException: wrongUsage,
    ValidationException: contextOnRsa,
  },
  DeleteAlias: {
    InvalidAliasNameException: noName,
    NotAuthorizedException: awsName,
    NotFoundException: change(() => ({ AliasName: 'alias/nothing' })),
    ValidationException: noPrefix,
  },
  DeleteImportedKeyMaterial: {
    NotFoundException: change(() => ({ KeyMaterialId: 'a'.repeat(64) })),
    UnsupportedOperationException: ofOwnOrigin,
    ValidationException: async (operation) => app.call(operation, { KeyId: await externalHmac(), KeyMaterialId: 'a'.repeat(64) }),
  },
  DeriveSharedSecret: {
    InvalidKeyUsageException: change((now) => ({ KeyId: now.signing })),
    ValidationException: change(() => ({ PublicKey: base64('not a key') })),
  },
  CreateBinding: {
    AlreadyExistsException: async (operation) => {
      await app.must(operation, { Principal: someone, RoleName: 'user' });
      return app.call(operation, { Principal: someone, RoleName: 'user' });
    },
    ConflictException: async (operation) => {
      await app.must(operation, { Principal: someone, PrincipalId: 'AIDAONE', RoleName: 'user' });
      return app.call(operation, { Principal: someone, PrincipalId: 'AIDATWO', RoleName: 'auditor' });
    },
    LimitExceededException: async (operation) => {
      for (let at = 0; at < 10; at += 1) {
        await app.must('CreateRole', { RoleName: `role-${at}`, Document: roleDocument });
        await app.must(operation, { Principal: someone, RoleName: `role-${at}` });
      }
      return app.call(operation, { Principal: someone, RoleName: 'user' });
    },
    NotFoundException: change(() => ({ RoleName: 'nothing' })),
    ValidationException: change(() => ({ Principal: 'arn:aws:iam::999988887777:user/mallory' })),
  },
  CreateGrant: {
    InvalidArnException: change(() => ({ GranteePrincipal: 'someone' })),
    LimitExceededException: async (operation) => {
      const pairs = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`${at}${'k'.repeat(380)}`, 'v'.repeat(384)]));
      for (;;) {
        const answer = await change(() => ({ Constraints: { EncryptionContextSubset: pairs, EncryptionContextEquals: pairs } }))(operation);
        if (answer.code !== undefined) return answer;
      }
    },
    ValidationException: change(() => ({ Operations: ['Sign'] })),
  },
  CreateRole: {
    AlreadyExistsException: change(() => ({ RoleName: 'administrator' })),
    LimitExceededException: change(() => ({ Document: '\u00e9'.repeat(20_000) })),
    MalformedPolicyDocumentException: change(() => ({ Document: '{}' })),
  },
  DeleteBinding: { NotFoundException: change(() => ({ RoleName: 'custodian' })), ValidationException: change(() => ({ Principal: 'someone' })) },
  DeleteRole: { ConflictException: change(() => ({ RoleName: 'auditor' })), NotFoundException: change(() => ({ RoleName: 'nothing' })) },
  GetRole: { NotFoundException: change(() => ({ RoleName: 'nothing' })) },
  ListBindings: { InvalidMarkerException: badMarker, ValidationException: change(() => ({ Principal: 'arn:aws:iam::111122223333:root' })) },
  ListGrants: {
    InvalidGrantIdException: change(() => ({ GrantId: 'nonsense' })),
    InvalidMarkerException: badMarker,
    ValidationException: change(() => ({ GranteePrincipal: 'arn:aws:iam::111122223333:user/ann', GranteeServicePrincipal: 'rds.amazonaws.com' })),
  },
  ListRetirableGrants: {
    InvalidArnException: change(() => ({ RetiringPrincipal: 'someone' })),
    InvalidMarkerException: badMarker,
    ValidationException: change(() => ({ RetiringPrincipal: 'arn:aws:iam::999988887777:user/mallory' })),
  },
  ListRoles: { InvalidMarkerException: badMarker },
  RetireGrant: {
    DryRunOperationException: change(() => ({ DryRun: true })),
    InvalidGrantIdException: (operation) => app.call(operation, { KeyId: keys.symmetric, GrantId: 'nonsense' }),
    InvalidGrantTokenException: change(() => ({ GrantToken: 'nonsense' })),
    NotFoundException: (operation) => app.call(operation, { KeyId: keys.symmetric, GrantId: 'a'.repeat(64) }),
    ValidationException: change((now) => ({ KeyId: now.symmetric })),
  },
  RevokeGrant: {
    DryRunOperationException: change(() => ({ DryRun: true })),
    InvalidGrantIdException: change(() => ({ GrantId: 'nonsense' })),
    NotFoundException: change(() => ({ GrantId: 'a'.repeat(64) })),
  },
  Simulate: { InvalidArnException: change(() => ({ Principal: 'someone' })), ValidationException: change(() => ({ Resource: '*' })) },
  UpdateRole: {
    ConflictException: change(() => ({ RoleName: 'user' })),
    LimitExceededException: change(() => ({ Document: '\u00e9'.repeat(20_000) })),
    MalformedPolicyDocumentException: change(() => ({ Document: '{}' })),
    NotFoundException: change(() => ({ RoleName: 'nothing' })),
  },
  DisableKeyRotation: { UnsupportedOperationException: notSymmetric },
  EnableKeyRotation: { UnsupportedOperationException: notSymmetric },
  Encapsulate: { InvalidKeyUsageException: wrongUsage },
  Encrypt: { InvalidKeyUsageException: wrongUsage, ValidationException: contextOnRsa },
  GenerateDataKey: { InvalidKeyUsageException: wrongUsage, ValidationException: change(() => ({ NumberOfBytes: 32 })) },
  GenerateDataKeyPair: { InvalidKeyUsageException: wrongUsage, UnsupportedOperationException: change(() => ({ KeyPairSpec: 'SM2' })), ValidationException: noPairSpec },
  GenerateDataKeyPairWithoutPlaintext: {
    InvalidKeyUsageException: wrongUsage,
    UnsupportedOperationException: change(() => ({ KeyPairSpec: 'SM2' })),
    ValidationException: noPairSpec,
  },
  GenerateDataKeyWithoutPlaintext: { InvalidKeyUsageException: wrongUsage, ValidationException: change(() => ({ KeySpec: 'AES_256' })) },
  GenerateMac: { InvalidKeyUsageException: change((now) => ({ KeyId: now.signing })) },
  GenerateRandom: {
    CustomKeyStoreInvalidStateException: async (operation) => app.call(operation, { NumberOfBytes: 8, CustomKeyStoreId: await createStore(app, { connect: false }) }),
    CustomKeyStoreNotFoundException: change(() => ({ CustomKeyStoreId: noStore })),
    ValidationException: change(() => ({ NumberOfBytes: undefined })),
  },
  GetKeyJwks: {
    InvalidKeyUsageException: change(() => ({ Algorithm: 'RSASSA_PSS_SHA_256' })),
    UnsupportedOperationException: change((now) => ({ KeyId: now.hmac })),
  },
  GetKeyPolicy: { NotFoundException: change(() => ({ PolicyName: 'other' })) },
  GetKeyRotationStatus: { UnsupportedOperationException: notSymmetric },
  GetParametersForImport: { UnsupportedOperationException: ofOwnOrigin },
  GetKeyVersionPublicKey: {
    NotFoundException: change(() => ({ Version: 9 })),
    UnsupportedOperationException: change((now) => ({ KeyId: now.hmac })),
  },
  GetPublicKey: { UnsupportedOperationException: change((now) => ({ KeyId: now.symmetric })) },
  ImportKeyMaterial: {
    ExpiredImportTokenException: async (operation) => {
      const members = await sampleRequest(app, keys, operation);
      app.clock.advanceDays(1);
      return app.call(operation, members);
    },
    IncorrectKeyMaterialException: async (operation) => app.call(operation, await importRequest(app, keys.external, Buffer.alloc(16))),
    InvalidCiphertextException: change(() => ({ EncryptedKeyMaterial: base64('nothing') })),
    InvalidImportTokenException: change(() => ({ ImportToken: base64('nothing') })),
    KMSInvalidStateException: async (operation) => {
      await app.must(operation, await sampleRequest(app, keys, operation));
      const asNew = { ImportType: 'NEW_KEY_MATERIAL', ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
      await app.must(operation, await importRequest(app, keys.external, Buffer.alloc(32, 1), asNew));
      return app.call(operation, await importRequest(app, keys.external, Buffer.alloc(32, 2), asNew));
    },
    UnsupportedOperationException: ofOwnOrigin,
    ValidationException: change(() => ({ ExpirationModel: 'KEY_MATERIAL_EXPIRES' })),
  },
  ListAliases: { InvalidMarkerException: badMarker },
  ListKeyPolicies: { InvalidMarkerException: badMarker },
  ListKeyRotations: { InvalidMarkerException: badMarker, UnsupportedOperationException: notSymmetric },
  ListKeyVersions: { InvalidMarkerException: badMarker, UnsupportedOperationException: change((now) => ({ KeyId: now.symmetric })) },
  ListKeys: { InvalidMarkerException: badMarker },
  ListResourceTags: { InvalidMarkerException: badMarker },
  PutKeyVersionRule: {
    UnsupportedOperationException: change((now) => ({ KeyId: now.symmetric })),
    ValidationException: change(() => ({ AcceptDays: undefined })),
  },
  PutKeyPolicy: {
    LimitExceededException: change(() => ({ Policy: hugePolicy })),
    MalformedPolicyDocumentException: change(() => ({ Policy: 'not a policy' })),
    NotFoundException: change(() => ({ PolicyName: 'other' })),
  },
  ReEncrypt: {
    IncorrectKeyException: change((now) => ({ SourceKeyId: now.otherSymmetric })),
    InvalidCiphertextException: change(() => ({ SourceEncryptionContext: {} })),
    InvalidKeyUsageException: change((now) => ({ DestinationKeyId: now.hmac })),
    ValidationException: change((now) => ({ DestinationKeyId: now.rsa, DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' })),
  },
  ReplicateKey: {
    AlreadyExistsException: change(() => ({ ReplicaRegion: alice.region })),
    LimitExceededException: async (operation) => {
      const replicaRegions = Array.from({ length: 15 }, (_, at) => `eu-full-${at}`);
      await writeKey(app, keys.multiRegion, (record) => ({ ...record, primaryRegion: alice.region, replicaRegions }));
      return app.call(operation, { KeyId: keys.multiRegion, ReplicaRegion: 'eu-full-99' });
    },
    MalformedPolicyDocumentException: change(() => ({ Policy: 'not a policy' })),
    TagException: change(() => ({ Tags: [{ TagKey: 'aws:mine', TagValue: '' }] })),
    UnsupportedOperationException: change((now) => ({ KeyId: now.symmetric })),
  },
  RotateKeyOnDemand: {
    KMSInvalidStateException: async (operation) => {
      await app.must('ImportKeyMaterial', await sampleRequest(app, keys, 'ImportKeyMaterial'));
      return app.call(operation, { KeyId: keys.external });
    },
    LimitExceededException: async (operation) => {
      await writeKey(app, keys.symmetric, (record) => ({ ...record, rotation: { ...record.rotation, onDemandCount: 25 } }));
      return app.call(operation, { KeyId: keys.symmetric });
    },
    UnsupportedOperationException: notSymmetric,
  },
  Sign: { InvalidKeyUsageException: wrongUsage, ValidationException: change(() => ({ MessageType: 'DIGEST' })) },
  TagResource: { TagException: change(() => ({ Tags: [{ TagKey: 'aws:mine', TagValue: '' }] })) },
  UpdatePrimaryRegion: {
    KMSInvalidStateException: async (operation) => {
      const members = await sampleRequest(app, keys, operation);
      await app.must('ScheduleKeyDeletion', { KeyId: keys.multiRegion }, { caller: { ...alice, region: String(members.PrimaryRegion) } });
      return app.call(operation, members);
    },
    UnsupportedOperationException: change((now) => ({ KeyId: now.symmetric })),
  },
  UpdateKeyVersion: {
    LimitExceededException: async (operation) => {
      const superseded = Array.from({ length: 10 }, (_, at) => ({ version: at + 1, disabled: at === 0 }));
      await writeKey(app, keys.signing, (record) => ({ ...record, currentVersion: 11, versioning: { superseded } }));
      return app.call(operation, { KeyId: keys.signing, Version: 1, State: 'RETIRING' });
    },
    NotFoundException: change(() => ({ Version: 99 })),
    UnsupportedOperationException: change((now) => ({ KeyId: now.symmetric })),
    ValidationException: change(() => ({ AcceptUntil: 2_000_000_000 })),
  },
  UpdateAlias: {
    InvalidAliasNameException: noName,
    LimitExceededException: fullOfAliases,
    NotAuthorizedException: awsName,
    NotFoundException: change(() => ({ AliasName: 'alias/nothing' })),
    ValidationException: change((now) => ({ TargetKeyId: now.hmac })),
  },
  Verify: {
    InvalidKeyUsageException: wrongUsage,
    KMSInvalidSignatureException: change(() => ({ Message: base64('another') })),
    ValidationException: change(() => ({ MessageType: 'EXTERNAL_MU' })),
  },
  VerifyMac: { InvalidKeyUsageException: change((now) => ({ KeyId: now.symmetric })), KMSInvalidMacException: change(() => ({ Message: base64('another') })) },
};

describe('every error that an operation declares can happen', () => {
  const declared = operations.flatMap(({ name, errors }) => errors.map((code) => ({ name, code })));

  test.each(declared)('$name: $code', async ({ name, code }) => {
    const produce = producers[name]?.[code];
    if (produce === undefined) throw new Error(`test/contract/errors.test.ts has no way to ${code} of ${name}.`);

    const answer = await produce(name);

    expect(answer.code, answer.message).toBe(code);
  });

  test('there is no way in the table to an error that is not declared', () => {
    const ways = Object.entries(producers).flatMap(([name, byCode]) => Object.keys(byCode).map((code) => ({ name, code })));

    expect(ways.toSorted(byText)).toEqual(declared.toSorted(byText));
  });
});

const byText = (a: { name: string; code: string }, b: { name: string; code: string }): number => (a.name + a.code < b.name + b.code ? -1 : 1);

describe('errors that AWS sends without a message', () => {
  test.each([
    ['Decrypt', 'InvalidCiphertextException'],
    ['Verify', 'KMSInvalidSignatureException'],
    ['VerifyMac', 'KMSInvalidMacException'],
    ['GetPublicKey', 'UnsupportedOperationException'],
  ])('%s: %s', async (name, code) => {
    const answer = await producers[name]![code]!(name);

    expect(answer.body).toEqual({ __type: code });
  });
});

describe('errors that the pipeline adds', () => {
  test('a version that has encrypted as often as it may encrypts no more', async () => {
    const row = {
      ...usageRow({ region: alice.region, keyId: keys.symmetric }, 1),
      rev: 1,
      body: { encryptions: 2 ** 32 - 2 ** 24, region: alice.region, keyId: keys.symmetric, version: 1 },
    };
    await app.store.transact([{ put: row }]);

    const answers = await Promise.all(
      ['Encrypt', 'GenerateDataKey', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext', 'GenerateDataKeyWithoutPlaintext'].map((name) => change(() => ({}))(name)),
    );

    for (const answer of answers) expect(answer.code).toBe('LimitExceededException');
  });

  test('a key whose material row is gone is unavailable, and that is worth another try', async () => {
    await app.store.transact([{ delete: { table: 'material', pk: `KEY#eu-west-1#${keys.hmac}`, sk: 'MAT#0000000001' } }]);

    const answer = await app.call('GenerateMac', { KeyId: keys.hmac, Message: base64('x'), MacAlgorithm: 'HMAC_SHA_256' });

    expect(answer).toMatchObject({ status: 500, code: 'KeyUnavailableException' });
  });

  test("another account's keys, known and unknown, cannot be told apart", async () => {
    const bob = { ...alice, account: '222233334444', principalArn: 'arn:aws:iam::222233334444:user/bob', principalId: 'AIDABOB' };
    const arn = (account: string, keyId: string): string => `arn:aws:kms:eu-west-1:${account}:key/${keyId}`;
    const unknown = 'aaaaaaaa-0000-0000-0000-000000000000';

    const known = await app.call('DescribeKey', { KeyId: arn(alice.account, keys.symmetric) }, { caller: bob });
    const missing = await app.call('DescribeKey', { KeyId: arn(alice.account, unknown) }, { caller: bob });
    const bare = await app.call('DescribeKey', { KeyId: keys.symmetric }, { caller: bob });
    const bareMissing = await app.call('DescribeKey', { KeyId: unknown }, { caller: bob });

    expect(known.code).toBe('AccessDeniedException');
    expect(known.message!.replace(keys.symmetric, 'KEY')).toBe(missing.message!.replace(unknown, 'KEY'));
    // A bare id means a key of one's own account, and there it is not.
    expect(bare.code).toBe('NotFoundException');
    expect(bare.message!.replace(keys.symmetric, 'KEY')).toBe(bareMissing.message!.replace(unknown, 'KEY'));
  });

  test("a ciphertext of another account's key and one of no key at all cannot be told apart", async () => {
    const bob = { ...alice, account: '222233334444', principalArn: 'arn:aws:iam::222233334444:user/bob', principalId: 'AIDABOB' };
    const blob = Buffer.from(String((await app.must('Encrypt', { KeyId: keys.symmetric, Plaintext: base64('x') })).CiphertextBlob), 'base64');
    const ofNoKey = Buffer.from(blob).fill(0xaa, 2, 18);

    const known = await app.call('Decrypt', { CiphertextBlob: blob.toString('base64') }, { caller: bob });
    const missing = await app.call('Decrypt', { CiphertextBlob: ofNoKey.toString('base64') }, { caller: bob });
    const ownMissing = await app.call('Decrypt', { CiphertextBlob: ofNoKey.toString('base64') });

    expect(known.code).toBe('AccessDeniedException');
    expect(known.body).toEqual(missing.body);
    expect(known.body).toEqual(ownMissing.body);
  });
});
