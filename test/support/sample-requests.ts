/** One good request for every operation, so that tests over the registry cannot forget one: a new operation fails them until it has a sample here. */
import type { InProcess, Members } from './in-process.ts';

export interface SampleKeys {
  readonly symmetric: string;
  readonly otherSymmetric: string;
  readonly signing: string;
  readonly hmac: string;
  readonly rsa: string;
}

export async function createSampleKeys(app: InProcess): Promise<SampleKeys> {
  const create = async (members: Members): Promise<string> => ((await app.must('CreateKey', members)).KeyMetadata as { KeyId: string }).KeyId;
  return {
    symmetric: await create({}),
    otherSymmetric: await create({}),
    signing: await create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    hmac: await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }),
    rsa: await create({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }),
  };
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

let aliases = 0;
const newAlias = (): string => `alias/sample-${++aliases}`;

type Sample = (app: InProcess, keys: SampleKeys) => Promise<Members> | Members;

const ofKey: Sample = (_, keys) => ({ KeyId: keys.symmetric });
const message = base64('sample message');
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
  CreateAlias: (_, keys) => ({ AliasName: newAlias(), TargetKeyId: keys.symmetric }),
  CreateKeyVersion: (_, keys) => ({ KeyId: keys.signing }),
  CreateKey: () => ({ Description: 'sample', Tags: [{ TagKey: 'team', TagValue: 'sample' }], Policy: policy }),
  Decrypt: async (app, keys) => ({ KeyId: keys.symmetric, CiphertextBlob: await encrypted(app, keys), EncryptionContext: { purpose: 'sample' } }),
  DecryptBatch: items('Decrypt'),
  DeleteAlias: async (app, keys) => ({ AliasName: await existingAlias(app, keys) }),
  DescribeKey: ofKey,
  DisableKey: ofKey,
  DisableKeyRotation: ofKey,
  EnableKey: ofKey,
  EnableKeyRotation: (_, keys) => ({ KeyId: keys.symmetric, RotationPeriodInDays: 100 }),
  Encrypt: (_, keys) => ({ KeyId: keys.symmetric, Plaintext: message, EncryptionContext: { purpose: 'sample' } }),
  EncryptBatch: items('Encrypt'),
  GenerateDataKeyBatch: items('GenerateDataKey'),
  GenerateDataKey: (_, keys) => ({ KeyId: keys.symmetric, KeySpec: 'AES_256', EncryptionContext: { purpose: 'sample' } }),
  GenerateDataKeyWithoutPlaintext: (_, keys) => ({ KeyId: keys.symmetric, NumberOfBytes: 24, EncryptionContext: { purpose: 'sample' } }),
  GenerateMac: (_, keys) => ({ KeyId: keys.hmac, Message: message, MacAlgorithm: 'HMAC_SHA_256' }),
  GenerateRandom: () => ({ NumberOfBytes: 16 }),
  GetKeyJwks: (_, keys) => ({ KeyId: keys.signing }),
  GetKeyLastUsage: ofKey,
  GetKeyPolicy: ofKey,
  GetKeyVersionPublicKey: (_, keys) => ({ KeyId: keys.signing, Version: 1 }),
  GetKeyRotationStatus: ofKey,
  GetPublicKey: (_, keys) => ({ KeyId: keys.signing }),
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
