/** Key agreement, encapsulation, data key pairs and the Edwards and lattice signatures, as a caller sees them. */
import { createPrivateKey, createPublicKey, diffieHellman, encapsulate, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataKeyPairSpecs, describeKeySpec, type KeySpec, keySpecs } from '#shared/algorithms/key-specs.ts';
import { type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { base64, peerPublicKey } from '#test/support/sample-requests.ts';

let app: InProcess;
beforeAll(() => {
  app = startInProcess();
});
afterAll(() => app.close());

const create = async (KeySpec: KeySpec, KeyUsage?: string): Promise<Members> =>
  (await app.must('CreateKey', { KeySpec, ...(KeyUsage === undefined ? {} : { KeyUsage }) })).KeyMetadata as Members;
const bytes = (value: unknown): Buffer => Buffer.from(String(value), 'base64');
const publicKey = async (KeyId: unknown) => createPublicKey({ key: bytes((await app.must('GetPublicKey', { KeyId })).PublicKey), format: 'der', type: 'spki' });

describe('DescribeKey, GetPublicKey and the audit trail', () => {
  const usages = keySpecs.flatMap((spec) => describeKeySpec(spec).usages.map((usage) => [spec, usage] as const));

  test.each(usages)('say of %s for %s what it does, where it is used in clear, and nothing else', async (spec, usage) => {
    const metadata = await create(spec, usage);

    const descriptor = describeKeySpec(spec);
    const lists = {
      EncryptionAlgorithms: usage === 'ENCRYPT_DECRYPT' ? descriptor.encryptionAlgorithms : undefined,
      SigningAlgorithms: usage === 'SIGN_VERIFY' ? descriptor.signingAlgorithms : undefined,
      MacAlgorithms: usage === 'GENERATE_VERIFY_MAC' ? descriptor.macAlgorithms : undefined,
      KeyAgreementAlgorithms: usage === 'KEY_AGREEMENT' ? ['ECDH'] : undefined,
      EncapsulationAlgorithms: usage === 'ENCAPSULATE_DECAPSULATE' ? ['ML_KEM'] : undefined,
    };
    expect(metadata).toMatchObject({ KeySpec: spec, KeyUsage: usage, ProtectionLevel: descriptor.protection });
    for (const [name, list] of Object.entries(lists)) expect(metadata[name], name).toEqual(list);
    await app.must('DescribeKey', { KeyId: metadata.KeyId });
    expect(app.audit.at(-1)!.resources[0]).toMatchObject({ protection: descriptor.protection });
    if (descriptor.kind === 'aes' || descriptor.kind === 'hmac') return;
    const answer = await app.must('GetPublicKey', { KeyId: metadata.KeyId });
    for (const [name, list] of Object.entries(lists)) if (name !== 'MacAlgorithms') expect(answer[name], name).toEqual(list);
  });

  test.each([
    ['ECC_SECG_P256K1', 'KEY_AGREEMENT'],
    ['ECC_NIST_EDWARDS25519', 'KEY_AGREEMENT'],
    ['RSA_2048', 'KEY_AGREEMENT'],
    ['ML_KEM_768', 'SIGN_VERIFY'],
    ['ML_DSA_44', 'ENCAPSULATE_DECAPSULATE'],
    ['ECC_NIST_P256', 'ENCRYPT_DECRYPT'],
  ])('CreateKey refuses %s for %s', async (KeySpec, KeyUsage) => {
    const answer = await app.call('CreateKey', { KeySpec, KeyUsage });

    expect(answer).toMatchObject({ code: 'ValidationException', message: `KeyUsage ${KeyUsage} is not compatible with KeySpec ${KeySpec}` });
  });
});

describe('Sign and Verify', () => {
  test.each([
    ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', 'DIGEST', 64, 'Message type DIGEST is not valid for algorithm ED25519_SHA_512.'],
    ['ECC_NIST_EDWARDS25519', 'ED25519_PH_SHA_512', 'RAW', 64, 'Message type RAW is not valid for algorithm ED25519_PH_SHA_512.'],
    ['ECC_NIST_EDWARDS25519', 'ED25519_PH_SHA_512', undefined, 64, 'Message type RAW is not valid for algorithm ED25519_PH_SHA_512.'],
    ['ECC_NIST_EDWARDS25519', 'ED25519_PH_SHA_512', 'DIGEST', 63, 'Digest is invalid length for algorithm ED25519_PH_SHA_512.'],
    ['ML_DSA_65', 'ML_DSA_SHAKE_256', 'DIGEST', 64, 'Message type DIGEST is not valid for algorithm ML_DSA_SHAKE_256.'],
    ['ML_DSA_65', 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', 65, 'External mu is invalid length for algorithm ML_DSA_SHAKE_256.'],
    ['ECC_NIST_P256', 'ECDSA_SHA_256', 'EXTERNAL_MU', 64, 'Message type EXTERNAL_MU is not valid for algorithm ECDSA_SHA_256.'],
  ] as const)('%s %s refuses a message of type %s and %i bytes', async (spec, SigningAlgorithm, MessageType, length, message) => {
    const { KeyId } = await create(spec, 'SIGN_VERIFY');
    const members = { KeyId, SigningAlgorithm, MessageType, Message: randomBytes(length).toString('base64') };

    const signed = await app.call('Sign', members);
    const verified = await app.call('Verify', { ...members, Signature: base64('signature') });

    expect(signed).toMatchObject({ code: 'ValidationException', message });
    expect(verified).toMatchObject({ code: 'ValidationException', message });
  });

  test.each([
    ['ECC_NIST_EDWARDS25519', 'ECDSA_SHA_512'],
    ['ECC_NIST_EDWARDS25519', 'ML_DSA_SHAKE_256'],
    ['ML_DSA_44', 'ED25519_SHA_512'],
    ['ECC_NIST_P256', 'ED25519_SHA_512'],
  ] as const)('%s has no %s', async (spec, SigningAlgorithm) => {
    const { KeyId } = await create(spec, 'SIGN_VERIFY');

    const answer = await app.call('Sign', { KeyId, SigningAlgorithm, Message: base64('m') });

    expect(answer).toMatchObject({ code: 'InvalidKeyUsageException', message: `Algorithm ${SigningAlgorithm} is incompatible with key spec ${spec}.` });
  });

  test('a signature of 4,627 bytes goes through whole', async () => {
    const { KeyId } = await create('ML_DSA_87', 'SIGN_VERIFY');
    const members = { KeyId, SigningAlgorithm: 'ML_DSA_SHAKE_256', Message: randomBytes(4096).toString('base64') };

    const { Signature } = await app.must('Sign', members);

    expect(bytes(Signature).length).toBe(4627);
    expect(verify(null, bytes(members.Message), await publicKey(KeyId), bytes(Signature))).toBe(true);
    expect(await app.must('Verify', { ...members, Signature })).toMatchObject({ SignatureValid: true });
  });
});

describe('DeriveSharedSecret', () => {
  test.each([
    ['ECC_NIST_P256', 'prime256v1', 32],
    ['ECC_NIST_P384', 'secp384r1', 48],
    ['ECC_NIST_P521', 'secp521r1', 66],
  ] as const)('%s gives the x-coordinate that the other side computes', async (spec, namedCurve, length) => {
    const { KeyId, Arn } = await create(spec, 'KEY_AGREEMENT');
    const other = generateKeyPairSync('ec', { namedCurve });
    const PublicKey = other.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

    const answer = await app.must('DeriveSharedSecret', { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey });

    expect(answer).toMatchObject({ KeyId: Arn, KeyAgreementAlgorithm: 'ECDH', KeyOrigin: 'AWS_KMS' });
    expect(bytes(answer.SharedSecret)).toEqual(diffieHellman({ privateKey: other.privateKey, publicKey: await publicKey(KeyId) }));
    expect(bytes(answer.SharedSecret).length).toBe(length);
  });

  test('refuses a public key that does not fit in words that say nothing of it', async () => {
    const { KeyId } = await create('ECC_NIST_P384', 'KEY_AGREEMENT');

    const answer = await app.call('DeriveSharedSecret', { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: peerPublicKey });

    expect(answer).toMatchObject({
      code: 'ValidationException',
      message: 'PublicKey is not a DER-encoded public key (SubjectPublicKeyInfo) on the curve of key spec ECC_NIST_P384.',
    });
  });

  test('refuses a signing key with the text of every wrong use', async () => {
    const { KeyId, Arn } = await create('ECC_NIST_P256', 'SIGN_VERIFY');

    const answer = await app.call('DeriveSharedSecret', { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: peerPublicKey });

    expect(answer).toMatchObject({ code: 'InvalidKeyUsageException', message: `${Arn} key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.` });
  });

  test('says that the operation is not supported when the HSM cannot', async () => {
    const { KeyId } = await create('ECC_NIST_P256', 'KEY_AGREEMENT');
    app.crypto.failWith = 'unsupported';

    const answer = await app.call('DeriveSharedSecret', { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: peerPublicKey });
    app.crypto.failWith = undefined;

    expect(answer).toMatchObject({ status: 400, code: 'UnsupportedOperationException' });
  });
});

describe('Encapsulate and Decapsulate', () => {
  test.each([
    ['ML_KEM_512', 768],
    ['ML_KEM_768', 1088],
    ['ML_KEM_1024', 1568],
  ] as const)('%s: both sides have the same 32 bytes', async (spec, length) => {
    const { KeyId, Arn } = await create(spec, 'ENCAPSULATE_DECAPSULATE');
    const algorithm = { EncapsulationAlgorithm: 'ML_KEM' };

    const sent = await app.must('Encapsulate', { KeyId, ...algorithm });
    const received = await app.must('Decapsulate', { KeyId, ...algorithm, SharedSecretCiphertextBlob: sent.SharedSecretCiphertextBlob });
    const foreign = encapsulate(await publicKey(KeyId));
    const fromForeign = await app.must('Decapsulate', { KeyId, ...algorithm, SharedSecretCiphertextBlob: foreign.ciphertext.toString('base64') });

    expect(sent).toMatchObject({ KeyId: Arn, ...algorithm });
    expect(bytes(sent.SharedSecretCiphertextBlob).length).toBe(length);
    expect(received).toEqual({ KeyId: Arn, ...algorithm, SharedSecret: sent.SharedSecret });
    expect(bytes(fromForeign.SharedSecret)).toEqual(foreign.sharedKey);
  });

  test('a ciphertext of another parameter set is refused; an altered one gives another secret', async () => {
    const small = await create('ML_KEM_512', 'ENCAPSULATE_DECAPSULATE');
    const large = await create('ML_KEM_1024', 'ENCAPSULATE_DECAPSULATE');
    const sent = await app.must('Encapsulate', { KeyId: small.KeyId, EncapsulationAlgorithm: 'ML_KEM' });
    const altered = bytes(sent.SharedSecretCiphertextBlob);
    altered[0]! ^= 1;
    const decapsulate = (KeyId: unknown, ciphertext: unknown) => app.call('Decapsulate', { KeyId, EncapsulationAlgorithm: 'ML_KEM', SharedSecretCiphertextBlob: ciphertext });

    const wrongSet = await decapsulate(large.KeyId, sent.SharedSecretCiphertextBlob);
    const rejected = await decapsulate(small.KeyId, altered.toString('base64'));

    expect(wrongSet.body).toEqual({ __type: 'InvalidCiphertextException' });
    expect(rejected.code).toBeUndefined();
    expect(rejected.body.SharedSecret).not.toBe(sent.SharedSecret);
  });
});

describe('data key pairs', () => {
  // RSA pairs of every size are made on the real bridge: test/hsm/data-key-pairs.test.ts.
  const specs = dataKeyPairSpecs.filter((spec) => spec !== 'RSA_3072' && spec !== 'RSA_4096');

  test.each(specs)('%s: Decrypt gives the private half back under the same context, and under no other', async (KeyPairSpec) => {
    const { KeyId, Arn } = await create('SYMMETRIC_DEFAULT');
    const EncryptionContext = { purpose: 'pair' };

    const pair = await app.must('GenerateDataKeyPair', { KeyId, KeyPairSpec, EncryptionContext });
    const opened = await app.must('Decrypt', { CiphertextBlob: pair.PrivateKeyCiphertextBlob, EncryptionContext });
    const wrong = await app.call('Decrypt', { CiphertextBlob: pair.PrivateKeyCiphertextBlob });

    expect(pair).toMatchObject({ KeyId: Arn, KeyPairSpec, KeyMaterialId: opened.KeyMaterialId });
    expect(opened.Plaintext).toBe(pair.PrivateKeyPlaintext);
    expect(wrong.code).toBe('InvalidCiphertextException');
    const own = createPublicKey(createPrivateKey({ key: bytes(opened.Plaintext), format: 'der', type: 'pkcs8' }));
    expect(own.export({ format: 'der', type: 'spki' })).toEqual(bytes(pair.PublicKey));
  });

  test('without plaintext the answer has no private key, and Decrypt shows it', async () => {
    const { KeyId } = await create('SYMMETRIC_DEFAULT');

    const pair = await app.must('GenerateDataKeyPairWithoutPlaintext', { KeyId, KeyPairSpec: 'ECC_NIST_P384' });

    expect(Object.keys(pair).toSorted()).toEqual(['KeyId', 'KeyMaterialId', 'KeyPairSpec', 'PrivateKeyCiphertextBlob', 'PublicKey']);
    const { Plaintext } = await app.must('Decrypt', { CiphertextBlob: pair.PrivateKeyCiphertextBlob });
    expect(createPrivateKey({ key: bytes(Plaintext), format: 'der', type: 'pkcs8' }).asymmetricKeyDetails?.namedCurve).toBe('secp384r1');
  });

  test('an asymmetric key seals no pair', async () => {
    const { KeyId } = await create('RSA_2048', 'ENCRYPT_DECRYPT');

    const answer = await app.call('GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ECC_NIST_P256' });

    expect(answer).toMatchObject({ code: 'InvalidKeyUsageException', message: 'Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.' });
  });
});
