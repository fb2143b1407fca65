/** The operations that botocore does not have or that the tour leaves out, with AWS's own SDK against the real server and its bridge. */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, verify } from 'node:crypto';
import {
  CreateKeyCommand,
  DecapsulateCommand,
  DecryptCommand,
  DeriveSharedSecretCommand,
  DescribeKeyCommand,
  EncapsulateCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KeyUsageType,
  KMSClient,
  SignCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/support/server.ts';

let server: TestServer;
let kms: KMSClient;
beforeAll(async () => {
  server = await startServer();
  const { accessKeyId, secretAccessKey } = server.credentials;
  kms = new KMSClient({ endpoint: server.endpoint, region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey } });
});
afterAll(() => server.remove());

async function create(spec: KeySpec, usage?: KeyUsageType): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ KeySpec: spec, ...(usage === undefined ? {} : { KeyUsage: usage }) }));
  return KeyMetadata?.KeyId ?? '';
}
async function publicKey(KeyId: string) {
  const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId }));
  return createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
}

test.each([
  ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512'],
  ['ML_DSA_44', 'ML_DSA_SHAKE_256'],
  ['ML_DSA_65', 'ML_DSA_SHAKE_256'],
  ['ML_DSA_87', 'ML_DSA_SHAKE_256'],
] as const)('%s signs for anyone who has the public key', async (spec, SigningAlgorithm) => {
  const KeyId = await create(spec, 'SIGN_VERIFY');
  const Message = Buffer.from('a message');

  const { Signature } = await kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm }));

  expect(verify(null, Message, await publicKey(KeyId), Buffer.from(Signature ?? []))).toBe(true);
  expect((await kms.send(new VerifyCommand({ KeyId, Message, SigningAlgorithm, Signature }))).SignatureValid).toBe(true);
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata?.SigningAlgorithms).toContain(SigningAlgorithm);
});

test('Ed25519ph and an external mu, signed and verified', async () => {
  const edwards = await create('ECC_NIST_EDWARDS25519', 'SIGN_VERIFY');
  const lattice = await create('ML_DSA_65', 'SIGN_VERIFY');
  const digest = { KeyId: edwards, Message: createHash('sha512').update('m').digest(), MessageType: 'DIGEST', SigningAlgorithm: 'ED25519_PH_SHA_512' } as const;
  const { pub } = (await publicKey(lattice)).export({ format: 'jwk' }) as { pub: string };
  const shake = (bytes: Uint8Array) => createHash('shake256', { outputLength: 64 }).update(bytes).digest();
  const message = Buffer.from('a long message that stays with its owner');
  const mu = shake(Buffer.concat([shake(Buffer.from(pub, 'base64url')), Buffer.of(0, 0), message]));

  const prehashed = await kms.send(new SignCommand(digest));
  const ofMu = await kms.send(new SignCommand({ KeyId: lattice, Message: mu, MessageType: 'EXTERNAL_MU', SigningAlgorithm: 'ML_DSA_SHAKE_256' }));

  expect((await kms.send(new VerifyCommand({ ...digest, Signature: prehashed.Signature }))).SignatureValid).toBe(true);
  expect(verify(null, message, await publicKey(lattice), Buffer.from(ofMu.Signature ?? []))).toBe(true);
});

test('two ECDH keys of the service derive the same secret, and so does a stranger', async () => {
  const [one, two] = [await create('ECC_NIST_P384', 'KEY_AGREEMENT'), await create('ECC_NIST_P384', 'KEY_AGREEMENT')];
  const spki = async (KeyId: string) => (await kms.send(new GetPublicKeyCommand({ KeyId }))).PublicKey;
  const derive = async (KeyId: string, PublicKey: Uint8Array | undefined) =>
    (await kms.send(new DeriveSharedSecretCommand({ KeyId, PublicKey, KeyAgreementAlgorithm: 'ECDH' }))).SharedSecret;
  const stranger = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });

  const here = await derive(one, await spki(two));
  const there = await derive(two, await spki(one));
  const outside = await derive(one, stranger.publicKey.export({ format: 'der', type: 'spki' }));

  expect(here).toEqual(there);
  expect(Buffer.from(outside ?? [])).toEqual(diffieHellman({ privateKey: stranger.privateKey, publicKey: await publicKey(one) }));
});

test.each(['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024'] as const)('%s encapsulates and decapsulates', async (spec) => {
  const KeyId = await create(spec, 'ENCAPSULATE_DECAPSULATE');

  const sent = await kms.send(new EncapsulateCommand({ KeyId, EncapsulationAlgorithm: 'ML_KEM' }));
  const { SharedSecretCiphertextBlob } = sent;
  const received = await kms.send(new DecapsulateCommand({ KeyId, EncapsulationAlgorithm: 'ML_KEM', SharedSecretCiphertextBlob }));

  expect(received.SharedSecret).toEqual(sent.SharedSecret);
  expect(sent.SharedSecret?.length).toBe(32);
});

test.each(['RSA_4096', 'ECC_NIST_P521', 'ECC_NIST_EDWARDS25519', 'ML_KEM_1024'] as const)('a data key pair of %s comes back from its ciphertext', async (KeyPairSpec) => {
  const KeyId = await create('SYMMETRIC_DEFAULT');

  const pair = await kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec }));
  const sealed = await kms.send(new GenerateDataKeyPairWithoutPlaintextCommand({ KeyId, KeyPairSpec }));

  expect((await kms.send(new DecryptCommand({ CiphertextBlob: pair.PrivateKeyCiphertextBlob }))).Plaintext).toEqual(pair.PrivateKeyPlaintext);
  expect((await kms.send(new DecryptCommand({ CiphertextBlob: sealed.PrivateKeyCiphertextBlob }))).Plaintext?.length).toBeGreaterThan(40);
});
