/** One good request for every operation, so that tests over the registry cannot forget one: a new operation fails them until it has a sample here. */
import { importRequest } from './import-request.ts';
import type { InProcess, Members } from './in-process.ts';
import { createStore, storeMembers } from './key-stores.ts';
import { existingReplica, newReplica } from './sample-replicas.ts';

export interface SampleKeys {
  readonly symmetric: string;
  readonly otherSymmetric: string;
  readonly signing: string;
  readonly hmac: string;
  readonly rsa: string;
  /** Symmetric, of origin EXTERNAL. It has no material until a request for it is made. */
  readonly external: string;
  readonly agreement: string;
  readonly kem: string;
  /** Symmetric, primary in alice's Region. It has no replica until a request for one is made. */
  readonly multiRegion: string;
}

export async function createSampleKeys(app: InProcess): Promise<SampleKeys> {
  const create = async (members: Members): Promise<string> => ((await app.must('CreateKey', members)).KeyMetadata as { KeyId: string }).KeyId;
  return {
    symmetric: await create({}),
    otherSymmetric: await create({}),
    signing: await create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    hmac: await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }),
    rsa: await create({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }),
    external: await create({ Origin: 'EXTERNAL' }),
    agreement: await create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }),
    kem: await create({ KeySpec: 'ML_KEM_512', KeyUsage: 'ENCAPSULATE_DECAPSULATE' }),
    multiRegion: await create({ MultiRegion: true }),
  };
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

let roles = 0;

async function existingRole(app: InProcess): Promise<string> {
  const RoleName = `sample-${++roles}`;
  await app.must('CreateRole', { RoleName, Document: roleDocument });
  return RoleName;
}

export const roleDocument = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:Encrypt', Resource: '*' } });
const someone = 'arn:aws:iam::111122223333:user/someone';
const retirer = 'arn:aws:iam::111122223333:user/retirer';

async function existingGrant(app: InProcess, keys: SampleKeys): Promise<{ GrantId: string; GrantToken: string }> {
  const members = { KeyId: keys.symmetric, GranteePrincipal: someone, RetiringPrincipal: retirer, Operations: ['Encrypt'] };
  return (await app.must('CreateGrant', members)) as { GrantId: string; GrantToken: string };
}

let stores = 0;
const removeStores = async (app: InProcess): Promise<void> => {
  const { CustomKeyStores } = await app.must('DescribeCustomKeyStores', {});
  for (const { CustomKeyStoreId, ConnectionState } of CustomKeyStores as { CustomKeyStoreId: string; ConnectionState: string }[]) {
    if (ConnectionState === 'CONNECTED') await app.must('DisconnectCustomKeyStore', { CustomKeyStoreId });
    await app.must('DeleteCustomKeyStore', { CustomKeyStoreId });
  }
};

/** A bridge belongs to one store of an account, so the samples have one store at a time. */
async function newStore(app: InProcess, connect = false): Promise<string> {
  await removeStores(app);
  return await createStore(app, { name: `sample ${++stores}`, connect });
}

let aliases = 0;
const newAlias = (): string => `alias/sample-${++aliases}`;

type Sample = (app: InProcess, keys: SampleKeys) => Promise<Members> | Members;

const ofKey: Sample = (_, keys) => ({ KeyId: keys.symmetric });
const message = base64('sample message');
/** SubjectPublicKeyInfo on P-256. */
export const peerPublicKey = 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEffwHtjycKAlhIFKdJ6t00nD3Tqt/8fBbtvii8jvWXYacFiR+SUBMsF7yDIO8dRFr8fB6xHscpKSEiPq1bZudRg==';
const policy = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' } });

async function existingAlias(app: InProcess, keys: SampleKeys): Promise<string> {
  const AliasName = newAlias();
  await app.must('CreateAlias', { AliasName, TargetKeyId: keys.symmetric });
  return AliasName;
}

async function encrypted(app: InProcess, keys: SampleKeys): Promise<unknown> {
  return (await app.must('Encrypt', { KeyId: keys.symmetric, Plaintext: message, EncryptionContext: { purpose: 'sample' } })).CiphertextBlob;
}

/** Two items of the single operation. */
const items =
  (operation: string): Sample =>
  async (app, keys) => ({ Items: [await sampleRequest(app, keys, operation), await sampleRequest(app, keys, operation)] });

const samples: Readonly<Record<string, Sample>> = {
  async CancelKeyDeletion(app, keys) {
    const { KeyState } = (await app.must('DescribeKey', { KeyId: keys.symmetric })).KeyMetadata as { KeyState: string };
    if (KeyState === 'Enabled') await app.must('ScheduleKeyDeletion', { KeyId: keys.symmetric });
    return { KeyId: keys.symmetric };
  },
  ConnectCustomKeyStore: async (app) => ({ CustomKeyStoreId: await newStore(app) }),
  CreateCustomKeyStore: async (app) => {
    await removeStores(app);
    return storeMembers(`sample ${++stores}`);
  },
  DeleteCustomKeyStore: async (app) => ({ CustomKeyStoreId: await newStore(app) }),
  DescribeCustomKeyStores: async (app) => ({ CustomKeyStoreId: await newStore(app) }),
  DisconnectCustomKeyStore: async (app) => ({ CustomKeyStoreId: await newStore(app, true) }),
  UpdateCustomKeyStore: async (app) => ({ CustomKeyStoreId: await newStore(app), NewCustomKeyStoreName: `renamed ${++stores}` }),
  CreateAlias: (_, keys) => ({ AliasName: newAlias(), TargetKeyId: keys.symmetric }),
  CreateBinding: async (app) => ({ Principal: someone, RoleName: await existingRole(app) }),
  CreateGrant: (_, keys) => ({
    KeyId: keys.symmetric,
    GranteePrincipal: someone,
    RetiringPrincipal: retirer,
    Operations: ['Encrypt', 'Decrypt'],
    Constraints: { EncryptionContextSubset: { purpose: 'sample' } },
  }),
  CreateRole: () => ({ RoleName: `sample-${++roles}`, Document: roleDocument, Description: 'sample' }),
  DeleteBinding: async (app) => {
    const binding = { Principal: `${someone}-${++roles}`, RoleName: 'auditor' };
    await app.must('CreateBinding', binding);
    return binding;
  },
  DeleteRole: async (app) => ({ RoleName: await existingRole(app) }),
  GetRole: async (app) => ({ RoleName: await existingRole(app) }),
  ListBindings: () => ({ Limit: 10 }),
  ListGrants: ofKey,
  ListRetirableGrants: () => ({ RetiringPrincipal: retirer }),
  ListRoles: () => ({ Limit: 10 }),
  RetireGrant: async (app, keys) => ({ GrantToken: (await existingGrant(app, keys)).GrantToken }),
  RevokeGrant: async (app, keys) => ({ KeyId: keys.symmetric, GrantId: (await existingGrant(app, keys)).GrantId }),
  Simulate: (_, keys) => ({ Principal: someone, Action: 'kms:Encrypt', KeyId: keys.symmetric, EncryptionContext: { purpose: 'sample' } }),
  UpdateRole: async (app) => ({ RoleName: await existingRole(app), Document: roleDocument, Description: 'another' }),
  CreateKeyVersion: (_, keys) => ({ KeyId: keys.signing }),
  CreateKey: () => ({ Description: 'sample', Tags: [{ TagKey: 'team', TagValue: 'sample' }], Policy: policy }),
  async Decapsulate(app, keys) {
    const members = { KeyId: keys.kem, EncapsulationAlgorithm: 'ML_KEM' };
    return { ...members, SharedSecretCiphertextBlob: (await app.must('Encapsulate', members)).SharedSecretCiphertextBlob };
  },
  Decrypt: async (app, keys) => ({ KeyId: keys.symmetric, CiphertextBlob: await encrypted(app, keys), EncryptionContext: { purpose: 'sample' } }),
  DeleteImportedKeyMaterial: async (app, keys) => {
    await app.must('ImportKeyMaterial', await importRequest(app, keys.external));
    return { KeyId: keys.external };
  },
  DecryptBatch: items('Decrypt'),
  DeleteAlias: async (app, keys) => ({ AliasName: await existingAlias(app, keys) }),
  DeriveSharedSecret: (_, keys) => ({ KeyId: keys.agreement, KeyAgreementAlgorithm: 'ECDH', PublicKey: peerPublicKey }),
  DescribeKey: ofKey,
  DisableKey: ofKey,
  DisableKeyRotation: ofKey,
  EnableKey: ofKey,
  EnableKeyRotation: (_, keys) => ({ KeyId: keys.symmetric, RotationPeriodInDays: 100 }),
  Encapsulate: (_, keys) => ({ KeyId: keys.kem, EncapsulationAlgorithm: 'ML_KEM' }),
  Encrypt: (_, keys) => ({ KeyId: keys.symmetric, Plaintext: message, EncryptionContext: { purpose: 'sample' } }),
  EncryptBatch: items('Encrypt'),
  GenerateDataKeyBatch: items('GenerateDataKey'),
  GenerateDataKey: (_, keys) => ({ KeyId: keys.symmetric, KeySpec: 'AES_256', EncryptionContext: { purpose: 'sample' } }),
  GenerateDataKeyPair: (_, keys) => ({ KeyId: keys.symmetric, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext: { purpose: 'sample' } }),
  GenerateDataKeyPairWithoutPlaintext: (_, keys) => ({ KeyId: keys.symmetric, KeyPairSpec: 'ML_KEM_768', EncryptionContext: { purpose: 'sample' } }),
  GenerateDataKeyWithoutPlaintext: (_, keys) => ({ KeyId: keys.symmetric, NumberOfBytes: 24, EncryptionContext: { purpose: 'sample' } }),
  GenerateMac: (_, keys) => ({ KeyId: keys.hmac, Message: message, MacAlgorithm: 'HMAC_SHA_256' }),
  GenerateRandom: () => ({ NumberOfBytes: 16 }),
  GetKeyJwks: (_, keys) => ({ KeyId: keys.signing }),
  GetKeyLastUsage: ofKey,
  GetKeyPolicy: ofKey,
  GetKeyVersionPublicKey: (_, keys) => ({ KeyId: keys.signing, Version: 1 }),
  GetKeyRotationStatus: ofKey,
  GetParametersForImport: (_, keys) => ({ KeyId: keys.external, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }),
  GetPublicKey: (_, keys) => ({ KeyId: keys.signing }),
  ImportKeyMaterial: (app, keys) => importRequest(app, keys.external),
  ListAliases: ofKey,
  ListKeyPolicies: ofKey,
  ListKeyRotations: ofKey,
  ListKeyVersions: (_, keys) => ({ KeyId: keys.signing }),
  ListKeys: () => ({ Limit: 2 }),
  ListResourceTags: ofKey,
  PutKeyPolicy: (_, keys) => ({ KeyId: keys.symmetric, PolicyName: 'default', Policy: policy }),
  PutKeyVersionRule: (_, keys) => ({ KeyId: keys.signing, AcceptDays: 30, RotationPeriodInDays: 90 }),
  ReEncryptBatch: items('ReEncrypt'),
  ReEncrypt: async (app, keys) => ({
    CiphertextBlob: await encrypted(app, keys),
    SourceKeyId: keys.symmetric,
    SourceEncryptionContext: { purpose: 'sample' },
    DestinationKeyId: keys.otherSymmetric,
    DestinationEncryptionContext: { purpose: 'moved' },
  }),
  ReplicateKey: (app, keys) => newReplica(app, keys.multiRegion, policy),
  RotateKeyOnDemand: ofKey,
  ScheduleKeyDeletion: (_, keys) => ({ KeyId: keys.symmetric, PendingWindowInDays: 7 }),
  Sign: (_, keys) => ({ KeyId: keys.signing, Message: message, SigningAlgorithm: 'ECDSA_SHA_256' }),
  SignBatch: items('Sign'),
  TagResource: (_, keys) => ({ KeyId: keys.symmetric, Tags: [{ TagKey: 'team', TagValue: 'sample' }] }),
  UntagResource: (_, keys) => ({ KeyId: keys.symmetric, TagKeys: ['team'] }),
  UpdateAlias: async (app, keys) => ({ AliasName: await existingAlias(app, keys), TargetKeyId: keys.otherSymmetric }),
  async UpdateKeyVersion(app, keys) {
    const { Version } = await app.must('CreateKeyVersion', { KeyId: keys.signing });
    return { KeyId: keys.signing, Version: Number(Version) - 1, State: 'DISABLED' };
  },
  UpdatePrimaryRegion: async (app, keys) => ({ KeyId: keys.multiRegion, PrimaryRegion: await existingReplica(app, keys.multiRegion) }),
  UpdateKeyDescription: (_, keys) => ({ KeyId: keys.symmetric, Description: 'another sample' }),
  async Verify(app, keys) {
    const members = { KeyId: keys.signing, Message: message, SigningAlgorithm: 'ECDSA_SHA_256' };
    return { ...members, Signature: (await app.must('Sign', members)).Signature };
  },
  VerifyBatch: items('Verify'),
  async VerifyMac(app, keys) {
    const members = { KeyId: keys.hmac, Message: message, MacAlgorithm: 'HMAC_SHA_256' };
    return { ...members, Mac: (await app.must('GenerateMac', members)).Mac };
  },
};

/** May change keys to make the request a good one (CancelKeyDeletion needs a key that is pending deletion). */
export async function sampleRequest(app: InProcess, keys: SampleKeys, operation: string): Promise<Members> {
  const sample = samples[operation];
  if (sample === undefined) throw new Error(`test/support/sample-requests.ts has no request for ${operation}.`);
  return await sample(app, keys);
}
