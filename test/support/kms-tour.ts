/** What a program does with AWS's own client, group by group, each with its answers checked. The same tour runs on the single node and through the deployed API. */
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import type { CreateKeyCommandInput, KMS } from '@aws-sdk/client-kms';
import { expect } from 'vitest';
import { peerPublicKey } from './sample-requests.ts';
import { wrapMaterial } from './wrap-material.ts';

export type Tour = (kms: KMS) => Promise<void>;

const Message = Buffer.from('a message');
const Plaintext = Buffer.from('attack at dawn');
const EncryptionContext = { purpose: 'tour' };

async function newKey(kms: KMS, input: CreateKeyCommandInput = {}): Promise<{ KeyId: string; arn: string; account: string }> {
  const { KeyMetadata } = await kms.createKey(input);
  const arn = KeyMetadata?.Arn ?? '';
  return { KeyId: KeyMetadata?.KeyId ?? '', arn, account: arn.split(':')[4] ?? '' };
}
const bytes = (value: Uint8Array | undefined): Buffer => Buffer.from(value ?? []);

export const tours: Readonly<Record<string, Tour>> = {
  async 'keys and their states'(kms) {
    const { KeyId, arn } = await newKey(kms, { Description: 'first' });
    const state = async () => (await kms.describeKey({ KeyId: arn })).KeyMetadata;

    await kms.updateKeyDescription({ KeyId, Description: 'second' });
    await kms.disableKey({ KeyId });
    expect(await state()).toMatchObject({ KeyState: 'Disabled', Enabled: false, Description: 'second', CreationDate: expect.any(Date) });
    await kms.enableKey({ KeyId });
    const { DeletionDate } = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    expect(await state()).toMatchObject({ KeyState: 'PendingDeletion', DeletionDate });
    await kms.cancelKeyDeletion({ KeyId });
    expect(await state()).toMatchObject({ KeyState: 'Disabled' });
    expect((await kms.listKeys({ Limit: 1000 })).Keys).toContainEqual({ KeyId, KeyArn: arn });
  },

  async 'policies and tags'(kms) {
    const { KeyId, account } = await newKey(kms, { Tags: [{ TagKey: 'team', TagValue: 'red' }] });
    const Statement = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });

    await kms.putKeyPolicy({ KeyId, Policy });
    await kms.tagResource({ KeyId, Tags: [{ TagKey: 'stage', TagValue: 'test' }] });
    await kms.untagResource({ KeyId, TagKeys: ['team'] });

    expect((await kms.getKeyPolicy({ KeyId })).Policy).toBe(Policy);
    expect((await kms.listKeyPolicies({ KeyId })).PolicyNames).toEqual(['default']);
    expect((await kms.listResourceTags({ KeyId })).Tags).toEqual([{ TagKey: 'stage', TagValue: 'test' }]);
  },

  async aliases(kms) {
    const [first, second] = [await newKey(kms), await newKey(kms)];
    const AliasName = `alias/tour/${first.KeyId}`;

    await kms.createAlias({ AliasName, TargetKeyId: first.KeyId });
    const before = await kms.listAliases({ KeyId: first.KeyId });
    await kms.updateAlias({ AliasName, TargetKeyId: second.KeyId });

    expect(before.Aliases).toMatchObject([{ AliasName, TargetKeyId: first.KeyId }]);
    expect((await kms.describeKey({ KeyId: AliasName })).KeyMetadata?.KeyId).toBe(second.KeyId);
    await kms.deleteAlias({ AliasName });
    await expect(kms.describeKey({ KeyId: AliasName })).rejects.toMatchObject({ name: 'NotFoundException' });
  },

  async 'encryption and data keys'(kms) {
    const [one, two] = [await newKey(kms), await newKey(kms)];
    const { KeyId } = one;
    const open = async (CiphertextBlob: Uint8Array | undefined) => bytes((await kms.decrypt({ CiphertextBlob, EncryptionContext })).Plaintext);

    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext, EncryptionContext });
    const moved = await kms.reEncrypt({ CiphertextBlob, SourceEncryptionContext: EncryptionContext, DestinationKeyId: two.arn, DestinationEncryptionContext: EncryptionContext });
    const dataKey = await kms.generateDataKey({ KeyId, KeySpec: 'AES_256', EncryptionContext });
    const sealed = await kms.generateDataKeyWithoutPlaintext({ KeyId, NumberOfBytes: 24, EncryptionContext });
    const pair = await kms.generateDataKeyPair({ KeyId, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext });
    const sealedPair = await kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext });
    const { Plaintext: random } = await kms.generateRandom({ NumberOfBytes: 32 });

    expect(await open(CiphertextBlob)).toEqual(Plaintext);
    expect(moved).toMatchObject({ KeyId: two.arn, SourceKeyId: one.arn });
    expect(await open(moved.CiphertextBlob)).toEqual(Plaintext);
    expect(await open(dataKey.CiphertextBlob)).toEqual(bytes(dataKey.Plaintext));
    expect(await open(sealed.CiphertextBlob)).toHaveLength(24);
    expect(await open(pair.PrivateKeyCiphertextBlob)).toEqual(bytes(pair.PrivateKeyPlaintext));
    expect((await open(sealedPair.PrivateKeyCiphertextBlob)).length).toBeGreaterThan(100);
    expect(random).toHaveLength(32);
    expect((await kms.getKeyLastUsage({ KeyId })).KeyId).toContain(KeyId);
  },

  async rotation(kms) {
    const { KeyId } = await newKey(kms);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });

    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 100 });
    const on = await kms.getKeyRotationStatus({ KeyId });
    await kms.rotateKeyOnDemand({ KeyId });
    await kms.disableKeyRotation({ KeyId });

    expect(on).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 100 });
    expect((await kms.getKeyRotationStatus({ KeyId })).KeyRotationEnabled).toBe(false);
    expect((await kms.listKeyRotations({ KeyId })).Rotations).toMatchObject([{ RotationType: 'ON_DEMAND' }]);
    expect(bytes((await kms.decrypt({ CiphertextBlob })).Plaintext)).toEqual(Plaintext);
  },

  async 'signatures and MACs'(kms) {
    const { KeyId } = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const hmac = await newKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const ecdsa = { KeyId, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
    const mac = { KeyId: hmac.KeyId, Message, MacAlgorithm: 'HMAC_SHA_256' } as const;

    const { Signature } = await kms.sign({ ...ecdsa, Message });
    const { Mac } = await kms.generateMac(mac);
    const publicKey = createPublicKey({ key: bytes((await kms.getPublicKey({ KeyId })).PublicKey), format: 'der', type: 'spki' });

    expect(verify('sha256', Message, publicKey, bytes(Signature))).toBe(true);
    expect((await kms.verify({ ...ecdsa, Message, Signature })).SignatureValid).toBe(true);
    await expect(kms.verify({ ...ecdsa, Message: Plaintext, Signature })).rejects.toMatchObject({ name: 'KMSInvalidSignatureException' });
    expect((await kms.verifyMac({ ...mac, Mac })).MacValid).toBe(true);
    await expect(kms.verifyMac({ ...mac, Message: Plaintext, Mac })).rejects.toMatchObject({ name: 'KMSInvalidMacException' });
  },

  async 'key agreement and encapsulation'(kms) {
    const agreement = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
    const kem = await newKey(kms, { KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' });
    const algorithm = { KeyId: kem.KeyId, EncapsulationAlgorithm: 'ML_KEM' } as const;

    const derived = await kms.deriveSharedSecret({ KeyId: agreement.KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: Buffer.from(peerPublicKey, 'base64') });
    const sent = await kms.encapsulate(algorithm);
    const received = await kms.decapsulate({ ...algorithm, SharedSecretCiphertextBlob: sent.SharedSecretCiphertextBlob });

    expect(derived.SharedSecret).toHaveLength(32);
    expect(received.SharedSecret).toEqual(sent.SharedSecret);
  },

  async grants(kms) {
    const { KeyId, account } = await newKey(kms);
    const [GranteePrincipal, RetiringPrincipal] = ['grantee', 'retirer'].map((name) => `arn:aws:iam::${account}:user/${name}-${KeyId.slice(0, 8)}`) as [string, string];
    const grant = { KeyId, GranteePrincipal, RetiringPrincipal, Operations: ['Encrypt' as const], Constraints: { EncryptionContextSubset: EncryptionContext } };
    const ids = async () => ((await kms.listGrants({ KeyId })).Grants ?? []).map(({ GrantId }) => GrantId);

    const [one, two] = [await kms.createGrant(grant), await kms.createGrant(grant)];
    const { Grants } = await kms.listRetirableGrants({ RetiringPrincipal });
    expect((await ids()).toSorted()).toEqual([one.GrantId, two.GrantId].toSorted());
    expect(Grants?.map(({ GrantId }) => GrantId).toSorted()).toEqual([one.GrantId, two.GrantId].toSorted());

    await kms.revokeGrant({ KeyId, GrantId: one.GrantId });
    expect(await ids()).toEqual([two.GrantId]);
    await kms.retireGrant({ GrantToken: two.GrantToken });
    expect(await ids()).toEqual([]);
  },

  async 'imported key material'(kms) {
    const { KeyId } = await newKey(kms, { Origin: 'EXTERNAL' });
    const state = async () => (await kms.describeKey({ KeyId })).KeyMetadata?.KeyState;
    const material = randomBytes(32);
    const bringIn = async () => {
      const { PublicKey, ImportToken } = await kms.getParametersForImport({ KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' });
      const EncryptedKeyMaterial = wrapMaterial(bytes(PublicKey), 'RSAES_OAEP_SHA_256', material);
      await kms.importKeyMaterial({ KeyId, ImportToken, EncryptedKeyMaterial, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' });
    };

    expect(await state()).toBe('PendingImport');
    await bringIn();
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    await kms.deleteImportedKeyMaterial({ KeyId });
    expect(await state()).toBe('PendingImport');
    await bringIn();
    expect(bytes((await kms.decrypt({ CiphertextBlob })).Plaintext)).toEqual(Plaintext);
  },
};

/** Operations that need several Regions or bridges. Tests of their own call them with the same client. */
export const provenElsewhere: readonly string[] = [
  ...['ReplicateKey', 'UpdatePrimaryRegion'],
  ...['ConnectCustomKeyStore', 'CreateCustomKeyStore', 'DeleteCustomKeyStore', 'DescribeCustomKeyStores', 'DisconnectCustomKeyStore', 'UpdateCustomKeyStore'],
];

/** Notes the operations that the client gets an answer to. */
export function noteSuccesses(kms: KMS): ReadonlySet<string> {
  const succeeded = new Set<string>();
  kms.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      succeeded.add((context.commandName ?? '').replace(/Command$/, ''));
      return result;
    },
    { step: 'initialize' },
  );
  return succeeded;
}
