/** Custom key stores in one process: which bridge does what, what disconnecting means for each kind of request, and what happens at the same time. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyStoresMax } from '#shared/key-stores/key-store-record.ts';
import type { KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import { keyOfStoreRow, keyStoresRow } from '#shared/repositories/rows.ts';
import { findDueTasks, runDueTask } from '#shared/sweeps/due-tasks.ts';
import { importRequest } from '#test/support/import-request.ts';
import { alice, type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { clusters, createKeyInStore, createStore, storeMembers, trustAnchor, withdraw } from '#test/support/key-stores.ts';
import { base64 } from '#test/support/sample-requests.ts';

let app: InProcess;
let store: string;
beforeEach(async () => {
  app = startInProcess();
  store = await createStore(app);
});
afterEach(() => app.close());

const Plaintext = base64('plaintext');
const metadataOf = async (KeyId: string): Promise<Members> => (await app.must('DescribeKey', { KeyId })).KeyMetadata as Members;
const codeOf = async (operation: string, members: Members) => (await app.call(operation, members)).code;
const encrypt = async (KeyId: string): Promise<unknown> => (await app.must('Encrypt', { KeyId, Plaintext })).CiphertextBlob;
const disconnect = () => app.must('DisconnectCustomKeyStore', { CustomKeyStoreId: store });
const connect = () => app.must('ConnectCustomKeyStore', { CustomKeyStoreId: store });
const runDue = async ({ service, clock } = app): Promise<string[]> => {
  const done: string[] = [];
  for await (const task of findDueTasks(service.store, clock.now())) {
    await runDueTask(service, task);
    done.push(task.kind);
  }
  return done;
};

/** Whether the key's state tells it or the way to the bridge. */
const withdrawn = /^(DependencyTimeoutException|KMSInvalidStateException|CustomKeyStoreInvalidStateException|UnsupportedOperationException)$/;

const specs = [
  { KeySpec: 'SYMMETRIC_DEFAULT', KeyUsage: 'ENCRYPT_DECRYPT', use: 'Encrypt', members: { Plaintext } },
  { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT', use: 'Encrypt', members: { Plaintext, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' } },
  { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', use: 'Sign', members: { Message: Plaintext, SigningAlgorithm: 'ECDSA_SHA_256' } },
  { KeySpec: 'ML_DSA_44', KeyUsage: 'SIGN_VERIFY', use: 'Sign', members: { Message: Plaintext, SigningAlgorithm: 'ML_DSA_SHAKE_256' } },
  { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC', use: 'GenerateMac', members: { Message: Plaintext, MacAlgorithm: 'HMAC_SHA_256' } },
  { KeySpec: 'ML_KEM_512', KeyUsage: 'ENCAPSULATE_DECAPSULATE', use: 'Encapsulate', members: { EncapsulationAlgorithm: 'ML_KEM' } },
];

describe('a key in a store', () => {
  test.each(specs)('of spec $KeySpec is made and used by the bridge of its store, and by no other', async ({ KeySpec, KeyUsage, use, members }) => {
    const KeyId = await createKeyInStore(app, store, { KeySpec, KeyUsage });
    const good = await codeOf(use, { KeyId, ...members });
    app.storeBridges.second.failWith = 'unavailable';

    expect(good).toBeUndefined();
    expect(await codeOf(use, { KeyId, ...members })).toBe('DependencyTimeoutException');
    expect(await codeOf('CreateKey', { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: store, KeySpec, KeyUsage })).toBe('DependencyTimeoutException');
    expect(await codeOf('CreateKey', { KeySpec, KeyUsage })).toBeUndefined();
  });

  test('shows its store, and the same protection level as elsewhere', async () => {
    const metadata = await metadataOf(await createKeyInStore(app, store));

    expect(metadata).toMatchObject({ CustomKeyStoreId: store, CloudHsmClusterId: clusters.second, Origin: 'AWS_CLOUDHSM', ProtectionLevel: 'HSM' });
    const plain = await metadataOf(((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId);
    expect(plain).not.toHaveProperty('CustomKeyStoreId');
  });

  test('takes imported material, wrapped for the HSM of its store', async () => {
    const KeyId = await createKeyInStore(app, store, { Origin: 'EXTERNAL' });
    const refuse = () => Promise.reject(new Error('the default bridge was asked'));
    Object.assign(app.crypto, { importKey: refuse, importParameters: refuse });
    await app.must('ImportKeyMaterial', await importRequest(app, KeyId));
    const CiphertextBlob = await encrypt(KeyId);

    expect((await app.must('Decrypt', { CiphertextBlob })).Plaintext).toBe(Plaintext);
    expect(await metadataOf(KeyId)).toMatchObject({ Origin: 'EXTERNAL', CustomKeyStoreId: store });
  });

  test('has the versions of asymmetric keys too', async () => {
    const KeyId = await createKeyInStore(app, store, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const members = { KeyId, Message: Plaintext, SigningAlgorithm: 'ECDSA_SHA_256' };
    const { Signature } = await app.must('Sign', members);
    await app.must('CreateKeyVersion', { KeyId });

    expect(await app.must('Verify', { ...members, Signature })).toMatchObject({ SignatureValid: true });
  });

  test.each([
    ['CustomKeyStoreId without its origin', () => ({ CustomKeyStoreId: store }), 'ValidationException'],
    ['the origin without a store', () => ({ Origin: 'AWS_CLOUDHSM' }), 'ValidationException'],
    ['a multi-Region key', () => ({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: store, MultiRegion: true }), 'UnsupportedOperationException'],
    ['a key behind an XKS proxy', () => ({ Origin: 'EXTERNAL_KEY_STORE', CustomKeyStoreId: store, XksKeyId: 'x' }), 'UnsupportedOperationException'],
  ] as const)('is not made: %s', async (_, members, code) => {
    expect(await codeOf('CreateKey', members())).toBe(code);
  });
});

describe('a disconnected store', () => {
  test.each(['Enabled', 'Disabled', 'PendingDeletion'] as const)('gives a key that was %s back in that state, whatever was changed meanwhile', async (state) => {
    const KeyId = await createKeyInStore(app, store);
    if (state === 'Disabled') await app.must('DisableKey', { KeyId });
    if (state === 'PendingDeletion') await app.must('ScheduleKeyDeletion', { KeyId });
    await disconnect();
    const meanwhile = await metadataOf(KeyId);
    if (state !== 'PendingDeletion') await app.must('TagResource', { KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] });
    await connect();

    expect(meanwhile).toMatchObject({ KeyState: state === 'PendingDeletion' ? state : 'Unavailable', Enabled: false });
    expect(await metadataOf(KeyId)).toMatchObject({ KeyState: state, Enabled: state === 'Enabled' });
  });

  test('takes EnableKey and DisableKey, which show when it is connected again', async () => {
    const KeyId = await createKeyInStore(app, store);
    await disconnect();
    await app.must('DisableKey', { KeyId });
    const meanwhile = await metadataOf(KeyId);
    await connect();

    expect(meanwhile.KeyState).toBe('Unavailable');
    expect((await metadataOf(KeyId)).KeyState).toBe('Disabled');
  });

  test('refuses its keys in every process at once, and only its own', async () => {
    const KeyId = await createKeyInStore(app, store);
    const other = await createStore(app, { name: 'third', cluster: clusters.third });
    const inOther = await createKeyInStore(app, other);
    const another = app.another();
    await another.must('Encrypt', { KeyId, Plaintext });
    await disconnect();

    const answer = await another.call('Encrypt', { KeyId, Plaintext });

    expect(answer.code).toBe('KMSInvalidStateException');
    expect(answer.message).toContain('is unavailable.');
    expect((await another.call('Encrypt', { KeyId: inOther, Plaintext })).code).toBeUndefined();
  });

  test('leaves due rotations due until it is connected, without a failed sweep', async () => {
    const KeyId = await createKeyInStore(app, store);
    await app.must('EnableKeyRotation', { KeyId, RotationPeriodInDays: 90 });
    await disconnect();
    app.clock.advanceDays(91);
    const before = app.audit.length;
    await runDue();
    const recorded = app.audit.slice(before);
    await connect();
    app.storeBridges.third.failWith = 'unavailable';

    expect(recorded).toEqual([]);
    expect(await runDue()).toEqual(['ROTATION']);
    expect((await app.must('ListKeyRotations', { KeyId })).Rotations).toHaveLength(1);
  });

  test('lets its keys be destroyed, and can be deleted when the last one is gone', async () => {
    const KeyId = await createKeyInStore(app, store);
    await app.must('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    await disconnect();
    const early = await codeOf('DeleteCustomKeyStore', { CustomKeyStoreId: store });
    app.clock.advanceDays(8);
    await runDue();

    expect(early).toBe('CustomKeyStoreHasCMKsException');
    expect(await codeOf('DeleteCustomKeyStore', { CustomKeyStoreId: store })).toBeUndefined();
    expect((await app.must('DescribeCustomKeyStores', {})).CustomKeyStores).toEqual([]);
  });
});

describe('a store whose bridge the configuration no longer gives its account', () => {
  const changes: Readonly<Record<string, (bridges: KeyStoreBridges) => KeyStoreBridges>> = {
    'is withdrawn': (bridges) => new Map([...bridges].filter(([clusterId]) => clusterId !== clusters.second)),
    'belongs to another account': (bridges) => new Map([...bridges, [clusters.second, { ...bridges.get(clusters.second)!, accounts: [mallory.account] }]]),
  };

  test.each(Object.keys(changes))('%s: its keys are Unavailable and refused as those of a disconnected one, until it is listed again', async (change) => {
    const KeyId = await createKeyInStore(app, store);
    const CiphertextBlob = await encrypt(KeyId);
    await app.must('EnableKeyRotation', { KeyId, RotationPeriodInDays: 90 });
    const waiting = await createKeyInStore(app, store);
    await app.must('ScheduleKeyDeletion', { KeyId: waiting });
    const home = ((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;
    const after = app.another(changes[change]!);
    const code = async (operation: string, members: Members) => (await after.call(operation, members)).code;
    const [second] = (await after.must('DescribeCustomKeyStores', { CustomKeyStoreId: store })).CustomKeyStores as Members[];

    expect((await after.must('DescribeKey', { KeyId })).KeyMetadata).toMatchObject({ KeyState: 'Unavailable', Enabled: false, CustomKeyStoreId: store });
    expect((await after.must('DescribeKey', { KeyId: waiting })).KeyMetadata).toMatchObject({ KeyState: 'PendingDeletion' });
    expect(second).toMatchObject({ ConnectionState: 'FAILED', ConnectionErrorCode: 'CLUSTER_NOT_FOUND' });
    expect([await code('Encrypt', { KeyId, Plaintext }), await code('Decrypt', { CiphertextBlob }), await code('RotateKeyOnDemand', { KeyId })]).toEqual(
      Array.from({ length: 3 }, () => 'KMSInvalidStateException'),
    );
    expect(await code('ReEncrypt', { CiphertextBlob, DestinationKeyId: home })).toBe('KMSInvalidStateException');
    expect([
      await code('CreateKey', { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: store }),
      await code('GenerateRandom', { NumberOfBytes: 8, CustomKeyStoreId: store }),
      await code('ConnectCustomKeyStore', { CustomKeyStoreId: store }),
      await code('DeleteCustomKeyStore', { CustomKeyStoreId: store }),
    ]).toEqual(Array.from({ length: 4 }, () => 'CustomKeyStoreInvalidStateException'));
    expect(await code('Encrypt', { KeyId: home, Plaintext })).toBeUndefined();
    app.clock.advanceDays(91);
    await runDue(after);
    await after.drain();
    expect(after.audit.filter(({ protocol }) => protocol === 'system').map(({ operation }) => operation)).toEqual(['DeleteKey']);

    expect((await app.must('Decrypt', { CiphertextBlob })).Plaintext).toBe(Plaintext);
    expect(await metadataOf(KeyId)).toMatchObject({ KeyState: 'Enabled', Enabled: true });
    expect((await app.must('DescribeCustomKeyStores', { CustomKeyStoreId: store })).CustomKeyStores).toMatchObject([{ ConnectionState: 'CONNECTED' }]);
  });

  test('can be disconnected, and moved to another bridge of the same HSM keys', async () => {
    const KeyId = await createKeyInStore(app, store);
    const CiphertextBlob = await encrypt(KeyId);
    const after = app.another(changes['is withdrawn']!);

    await after.must('DisconnectCustomKeyStore', { CustomKeyStoreId: store });
    expect((await after.call('ConnectCustomKeyStore', { CustomKeyStoreId: store })).code).toBe('CloudHsmClusterInvalidConfigurationException');
    await after.must('UpdateCustomKeyStore', { CustomKeyStoreId: store, CloudHsmClusterId: clusters.twin });
    await after.must('ConnectCustomKeyStore', { CustomKeyStoreId: store });

    expect((await after.must('Decrypt', { CiphertextBlob })).Plaintext).toBe(Plaintext);
  });
});

describe('a bridge that the configuration takes back from an account', () => {
  test.each(specs)('is sent nothing more for a key of spec $KeySpec, alone or in a batch', async ({ KeySpec, KeyUsage, use, members }) => {
    const KeyId = await createKeyInStore(app, store, { KeySpec, KeyUsage });
    await app.must(use, { KeyId, ...members });
    const calls = withdraw(app.service.keyStoreBridges!, clusters.second);

    expect(await codeOf(use, { KeyId, ...members })).toMatch(withdrawn);
    if (use === 'Encrypt' || use === 'Sign') {
      const items = await app.call(`${use}Batch`, { Items: [{ KeyId, ...members }] });
      expect(items.code ?? (items.body.Results as { Error: { Code: string } }[])[0]?.Error.Code).toMatch(withdrawn);
    }
    if (KeySpec !== 'SYMMETRIC_DEFAULT' && KeySpec !== 'HMAC_256') expect(await codeOf('GetPublicKey', { KeyId })).toMatch(withdrawn);
    expect(await codeOf('CreateKey', { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: store, KeySpec, KeyUsage })).toBeDefined();
    expect(calls).toEqual([]);
  });

  test('is sent nothing for data keys, decryption, re-encryption in either direction, random bytes and imports', async () => {
    const KeyId = await createKeyInStore(app, store);
    const imported = await createKeyInStore(app, store, { Origin: 'EXTERNAL' });
    const home = ((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;
    const [CiphertextBlob, ofHome] = await Promise.all([KeyId, home].map(encrypt));
    const calls = withdraw(app.service.keyStoreBridges!, clusters.second);

    for (const [operation, members] of [
      ['Decrypt', { CiphertextBlob }],
      ['GenerateDataKey', { KeyId, KeySpec: 'AES_256' }],
      ['GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ECC_NIST_P256' }],
      ['ReEncrypt', { CiphertextBlob, DestinationKeyId: home }],
      ['ReEncrypt', { CiphertextBlob: ofHome, DestinationKeyId: KeyId }],
      ['GenerateRandom', { NumberOfBytes: 16, CustomKeyStoreId: store }],
      ['GetParametersForImport', { KeyId: imported, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }],
      ['RotateKeyOnDemand', { KeyId }],
    ] as const)
      expect([operation, await codeOf(operation, members)]).toEqual([operation, expect.stringMatching(withdrawn)]);
    const mixed = (await app.must('ReEncryptBatch', {
      Items: [
        { CiphertextBlob: ofHome, DestinationKeyId: KeyId },
        { CiphertextBlob: ofHome, DestinationKeyId: home },
      ],
    })) as { Results: { Error?: { Code: string } }[] };
    expect(mixed.Results.map(({ Error: failure }) => failure?.Code)).toEqual([expect.stringMatching(withdrawn), undefined]);
    expect(calls).toEqual([]);
  });
});

describe('two stores in one request', () => {
  test('ReEncrypt moves a ciphertext between stores, and the failure of either side is its own', async () => {
    const KeyId = await createKeyInStore(app, store);
    const other = await createKeyInStore(app, await createStore(app, { name: 'third', cluster: clusters.third }));
    const CiphertextBlob = await encrypt(KeyId);
    const moved = (await app.must('ReEncrypt', { CiphertextBlob, DestinationKeyId: other })).CiphertextBlob;

    expect((await app.must('Decrypt', { CiphertextBlob: moved })).Plaintext).toBe(Plaintext);
    app.storeBridges.third.failWith = 'unavailable';
    expect(await codeOf('ReEncrypt', { CiphertextBlob, DestinationKeyId: other })).toBe('DependencyTimeoutException');
    expect(await codeOf('ReEncrypt', { CiphertextBlob: moved, DestinationKeyId: KeyId })).toBe('DependencyTimeoutException');
    expect(await codeOf('ReEncrypt', { CiphertextBlob, DestinationKeyId: KeyId })).toBeUndefined();
  });

  test('a batch is split by bridge: the items of one that is down fail, the others do not', async () => {
    const KeyId = await createKeyInStore(app, store);
    const home = ((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;
    const other = await createKeyInStore(app, await createStore(app, { name: 'third', cluster: clusters.third }));
    const blobs = await Promise.all([KeyId, home, other].map(encrypt));
    app.storeBridges.third.failWith = 'unavailable';

    const decrypted = await app.must('DecryptBatch', { Items: blobs.map((CiphertextBlob) => ({ CiphertextBlob })) });
    const moves = [
      { CiphertextBlob: blobs[0], DestinationKeyId: home },
      { CiphertextBlob: blobs[1], DestinationKeyId: other },
      { CiphertextBlob: blobs[1], DestinationKeyId: KeyId },
      { CiphertextBlob: blobs[1], DestinationKeyId: home },
    ];
    const moved = (await app.must('ReEncryptBatch', { Items: moves })).Results as { Output?: Members; Error?: Members }[];

    const outcome = (results: unknown) => (results as { Error?: Members }[]).map(({ Error: failure }) => failure?.Code);
    expect(outcome(decrypted.Results)).toEqual([undefined, undefined, 'DependencyTimeoutException']);
    expect(outcome(moved)).toEqual([undefined, 'DependencyTimeoutException', undefined, undefined]);
    for (const at of [0, 2, 3]) expect((await app.must('Decrypt', { CiphertextBlob: moved[at]!.Output!.CiphertextBlob })).Plaintext).toBe(Plaintext);
  });
});

describe('the stores of an account', () => {
  test('are its own: another account sees none, and may have one of the same name on the same bridge', async () => {
    const asMallory = { caller: mallory };

    expect((await app.must('DescribeCustomKeyStores', {}, asMallory)).CustomKeyStores).toEqual([]);
    expect((await app.call('DisconnectCustomKeyStore', { CustomKeyStoreId: store }, asMallory)).code).toBe('CustomKeyStoreNotFoundException');
    expect((await app.call('CreateKey', { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: store }, asMallory)).code).toBe('CustomKeyStoreNotFoundException');
    expect((await app.call('CreateCustomKeyStore', storeMembers('second'), asMallory)).code).toBeUndefined();
    // A bridge that the configuration gives to one account.
    expect((await app.call('CreateCustomKeyStore', storeMembers('own', clusters.foreign), asMallory)).code).toBeUndefined();
  });

  test('are shown in pages, with what was given and never the password', async () => {
    await createStore(app, { name: 'third', cluster: clusters.third, connect: false });
    const first = await app.must('DescribeCustomKeyStores', { Limit: 1 });
    const rest = await app.must('DescribeCustomKeyStores', { Limit: 1, Marker: first.NextMarker });

    expect([first.Truncated, rest.Truncated]).toEqual([true, false]);
    expect([...(first.CustomKeyStores as Members[]), ...(rest.CustomKeyStores as Members[])].map(({ CustomKeyStoreName }) => CustomKeyStoreName).toSorted()).toEqual([
      'second',
      'third',
    ]);
    const { CustomKeyStores } = await app.must('DescribeCustomKeyStores', { CustomKeyStoreName: 'second' });
    expect(CustomKeyStores).toMatchObject([{ CustomKeyStoreId: store, ConnectionState: 'CONNECTED', TrustAnchorCertificate: trustAnchor, HsmProfile: 'softhsm2' }]);
    expect(JSON.stringify([CustomKeyStores, app.audit, await app.store.getMany([keyStoresRow(alice)])])).not.toContain('password-of-kmsuser');
  });

  test('can be renamed while connected, and moved to another bridge of the same HSM keys while not', async () => {
    const KeyId = await createKeyInStore(app, store);
    const CiphertextBlob = await encrypt(KeyId);
    await app.must('UpdateCustomKeyStore', { CustomKeyStoreId: store, NewCustomKeyStoreName: 'renamed' });
    await disconnect();
    await app.must('UpdateCustomKeyStore', { CustomKeyStoreId: store, CloudHsmClusterId: clusters.twin });
    await connect();
    app.storeBridges.second.failWith = 'unavailable';

    expect((await app.must('Decrypt', { CiphertextBlob })).Plaintext).toBe(Plaintext);
    expect(await metadataOf(KeyId)).toMatchObject({ CloudHsmClusterId: clusters.twin });
  });

  test('at most one of two requests at once gets a name, a bridge or the last place', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => app.call('CreateCustomKeyStore', storeMembers('raced', clusters.third))));

    expect(answers.filter(({ code }) => code === undefined)).toHaveLength(1);
    expect(keyStoresMax).toBe(10);
  });

  test('no key lands in a store that is disconnected and deleted while its material is made', async () => {
    const { second } = app.storeBridges;
    const { generateKey } = second;
    second.generateKey = async (request) => {
      second.generateKey = generateKey;
      await disconnect();
      await app.must('DeleteCustomKeyStore', { CustomKeyStoreId: store });
      return await generateKey(request);
    };

    const created = await app.call('CreateKey', { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: store });

    expect(created.code).toBe('CustomKeyStoreNotFoundException');
    expect((await app.must('ListKeys', {})).Keys).toEqual([]);
  });
});

describe('somebody who can write to the database', () => {
  test.each([
    ['the connection of a store', { connected: true }],
    ['the bridge of a store', { clusterId: clusters.third }],
  ])('cannot change %s: its keys are refused and an alarm is raised', async (_, change) => {
    const KeyId = await createKeyInStore(app, store);
    await disconnect();
    const row = keyStoresRow(alice);
    const [item] = await app.store.getMany([row]);
    const stores = (item!.body.stores as Members[]).map((each) => ({ ...each, ...change }));
    await app.store.transact([{ put: { ...item!, body: JSON.parse(JSON.stringify({ stores })) } }]);

    expect(await codeOf('Encrypt', { KeyId, Plaintext })).toBe('KMSInternalException');
    expect(await codeOf('DescribeCustomKeyStores', {})).toBe('KMSInternalException');
    expect(app.alarms.some(({ kind }) => kind === 'seal-broken')).toBe(true);
  });

  test('can make a store look empty, and its keys are then refused with an alarm rather than used elsewhere', async () => {
    const KeyId = await createKeyInStore(app, store);
    await app.store.transact([{ delete: keyOfStoreRow({ ...alice, keyId: KeyId }, store) }]);
    await disconnect();
    await app.must('DeleteCustomKeyStore', { CustomKeyStoreId: store });

    expect(await codeOf('Encrypt', { KeyId, Plaintext })).toBe('KMSInternalException');
    expect(app.alarms.some(({ kind }) => kind === 'seal-broken')).toBe(true);
  });
});
