/** What software in an enclave does, with AWS's own SDK against the real server and its bridge: only the enclave's hypervisor is of the test. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateRandomCommand,
  KMSClient,
  PutKeyPolicyCommand,
  type RecipientInfo,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNitroAuthority, type NitroAuthority, sampleEnclave } from '#test/support/nitro-authority.ts';
import { openEnvelope } from '#test/support/open-envelope.ts';
import { startServer, type TestServer } from '#test/support/server.ts';

let authority: NitroAuthority;
let server: TestServer;
let kms: KMSClient;
beforeAll(async () => {
  authority = await createNitroAuthority(Date.now());
  server = await startServer({ env: { CHATELAINE_ATTESTATION_ROOTS: authority.root } });
  const { accessKeyId, secretAccessKey } = server.credentials;
  kms = new KMSClient({ endpoint: server.endpoint, region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey } });
});
afterAll(() => server.remove());

const recipient = (pcrs?: ReadonlyMap<number, Uint8Array>): RecipientInfo => ({
  KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
  AttestationDocument: authority.document({ timestamp: Date.now(), ...(pcrs === undefined ? {} : { pcrs }) }),
});
const open = (sealed: Uint8Array | undefined): Buffer => openEnvelope(sampleEnclave().privateKey, sealed ?? new Uint8Array());

test('a key that is for one image gives plaintext to that image, sealed, and to nobody else', async () => {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const KeyId = KeyMetadata?.KeyId ?? '';
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('for the enclave') }));
  const image = Buffer.from((authority.fields().get('pcrs') as Map<number, Uint8Array>).get(0) ?? []).toString('hex');
  const statements = [
    { Effect: 'Allow', Principal: '*', Action: ['kms:PutKeyPolicy', 'kms:GenerateDataKey*'], Resource: '*' },
    { Effect: 'Allow', Principal: '*', Action: 'kms:Decrypt', Resource: '*', Condition: { StringEqualsIgnoreCase: { 'kms:RecipientAttestation:ImageSha384': image } } },
  ];
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }), BypassPolicyLockoutSafetyCheck: true }));

  const answer = await kms.send(new DecryptCommand({ CiphertextBlob, Recipient: recipient() }));

  expect(answer.Plaintext).toBeUndefined();
  expect(open(answer.CiphertextForRecipient).toString()).toBe('for the enclave');
  await expect(kms.send(new DecryptCommand({ CiphertextBlob }))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await expect(kms.send(new DecryptCommand({ CiphertextBlob, Recipient: recipient(new Map([[0, Buffer.alloc(48)]])) }))).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

test('data keys, pairs and random bytes come sealed from the HSM', async () => {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const KeyId = KeyMetadata?.KeyId;

  const dataKey = await kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', Recipient: recipient() }));
  const pair = await kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256', Recipient: recipient() }));
  const random = await kms.send(new GenerateRandomCommand({ NumberOfBytes: 1024, Recipient: recipient() }));

  const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob: dataKey.CiphertextBlob }));
  const privateKey = createPrivateKey({ key: open(pair.CiphertextForRecipient), format: 'der', type: 'pkcs8' });
  expect([dataKey.Plaintext, pair.PrivateKeyPlaintext, random.Plaintext]).toEqual([undefined, undefined, undefined]);
  expect(open(dataKey.CiphertextForRecipient)).toEqual(Buffer.from(Plaintext ?? []));
  expect(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })).toEqual(Buffer.from(pair.PublicKey ?? []));
  expect(open(random.CiphertextForRecipient)).toHaveLength(1024);
});

test('a document of another authority is refused', async () => {
  const other = await createNitroAuthority(Date.now());
  const Recipient: RecipientInfo = { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: other.document() };

  await expect(kms.send(new GenerateRandomCommand({ NumberOfBytes: 8, Recipient }))).rejects.toThrow(/its root certificate is not trusted here/);
});
