import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { type Answer, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { createNitroAuthority, type DocumentOptions, type NitroAuthority, sampleEnclave } from '#test/support/nitro-authority.ts';
import { describeEnvelope, openEnvelope } from '#test/support/open-envelope.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';
import { setKeyState } from '#test/support/set-key-state.ts';

let authority: NitroAuthority;
let app: InProcess;
let keys: SampleKeys;
beforeAll(async () => {
  const probe = startInProcess();
  authority = await createNitroAuthority(probe.clock.now());
  probe.close();
});
beforeEach(async () => {
  app = startInProcess({ attestationRoots: [authority.root] });
  keys = await createSampleKeys(app);
});
afterEach(() => app.close());

const attested = operations.flatMap((operation) => (operation.recipient === undefined ? [] : [[operation.name, operation.recipient] as const]));
const recipientOf = (options?: DocumentOptions): Members => ({
  Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: authority.document(options).toString('base64') },
});
const bytes = (value: unknown): Buffer => Buffer.from(String(value), 'base64');
const hex = (index: number): string => Buffer.from((authority.fields().get('pcrs') as Map<number, Uint8Array>).get(index)!).toString('hex');
const ask = async (name: string, members: Members, protocol: 'aws-json' | 'rest' = 'aws-json'): Promise<Answer> =>
  app.call(name, { ...(await sampleRequest(app, keys, name)), ...members }, { protocol });

test('the operations that take Recipient are those of the model, and each says what it seals', () => {
  const taking = operations.filter((operation) => 'Recipient' in operation.input.shape).map(({ name }) => name);

  expect(taking).toEqual(['Decrypt', 'DeriveSharedSecret', 'GenerateDataKey', 'GenerateDataKeyPair', 'GenerateRandom']);
  expect(attested.map(([name]) => name)).toEqual(taking);
});

describe.each(attested)('%s with a Recipient', (name, member) => {
  test.each(['aws-json', 'rest'] as const)('answers over %s with what only the enclave can open, and without the plaintext', async (protocol) => {
    const answer = await ask(name, recipientOf(), protocol);
    const { body } = answer;

    const opened = openEnvelope(sampleEnclave().privateKey, bytes(body.CiphertextForRecipient));

    expect(answer.code).toBeUndefined();
    expect(Object.hasOwn(body, member)).toBe(false);
    await checkOpened[name]!(opened, body);
    for (const form of ['base64', 'hex'] as const) expect(JSON.stringify([answer.raw, app.audit, app.alarms])).not.toContain(opened.toString(form));
  });

  test('is recorded with the measurements of the enclave, and without the document', async () => {
    const members = recipientOf();
    await ask(name, members);

    const record = app.audit.findLast(({ operation }) => operation === name);

    expect(record?.parameters.recipient).toEqual({
      moduleId: 'i-0123456789abcdef0-enc0123456789abcdef',
      pcrs: Object.fromEntries([0, 1, 2, 3, 4, 8].map((index) => [String(index), hex(index)])),
    });
    expect(JSON.stringify(app.audit)).not.toContain((members.Recipient as { AttestationDocument: string }).AttestationDocument.slice(0, 200));
  });

  test.each<[string, () => unknown, string]>([
    ['no document', () => ({ KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }), "Value null at 'recipient.attestationDocument' failed"],
    ['no algorithm', () => ({ AttestationDocument: authority.document().toString('base64') }), "Value null at 'recipient.keyEncryptionAlgorithm' failed"],
    ['another algorithm', () => ({ ...(recipientOf().Recipient as object), KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_1' }), 'enum value set: [RSAES_OAEP_SHA_256]'],
    ['an empty document', () => ({ ...(recipientOf().Recipient as object), AttestationDocument: '' }), 'length greater than or equal to 1'],
    [
      'a document of 262145 bytes',
      () => ({ ...(recipientOf().Recipient as object), AttestationDocument: Buffer.alloc(262_145).toString('base64') }),
      'less than or equal to 262144',
    ],
    ['an old document', () => recipientOf({ timestamp: app.clock.now() - 300_001 }).Recipient, 'is not accepted: it is older than five minutes.'],
    ['a document without a key', () => recipientOf({ publicKey: null }).Recipient, 'is not accepted: it has no public key.'],
    [
      'no document at all',
      () => ({ ...(recipientOf().Recipient as object), AttestationDocument: Buffer.from('nonsense').toString('base64') }),
      'is not accepted: COSE_Sign1 is of another type.',
    ],
  ])('refuses %s, and does nothing', async (_, recipient, message) => {
    const members = await sampleRequest(app, keys, name);
    await app.call(name, { ...members, DryRun: true });
    app.crypto.failWith = 'internal';

    const answer = await app.call(name, { ...members, Recipient: recipient() });

    expect(answer).toMatchObject({ status: 400, code: 'ValidationException' });
    expect(answer.message).toContain(message);
  });

  test('refuses a document of a root that is not configured', async () => {
    const other = await createNitroAuthority(app.clock.now());

    const answer = await ask(name, { Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: other.document().toString('base64') } });

    expect(answer).toMatchObject({ code: 'ValidationException', message: 'The attestation document is not accepted: its root certificate is not trusted here.' });
  });
});

/** That the opened bytes are the plaintext: by another request, or by their own form. */
const checkOpened: Readonly<Record<string, (opened: Buffer, body: Members) => Promise<void>>> = {
  Decrypt: async (opened) => expect(opened.toString()).toBe('sample message'),
  async GenerateDataKey(opened, body) {
    const { EncryptionContext } = await sampleRequest(app, keys, 'GenerateDataKey');
    expect(opened.toString('base64')).toBe((await app.must('Decrypt', { CiphertextBlob: body.CiphertextBlob, EncryptionContext })).Plaintext);
  },
  async GenerateDataKeyPair(opened, body) {
    const publicKey = createPublicKey(createPrivateKey({ key: opened, format: 'der', type: 'pkcs8' }));
    expect(publicKey.export({ format: 'der', type: 'spki' }).toString('base64')).toBe(body.PublicKey);
  },
  GenerateRandom: async (opened) => expect(opened.length).toBe((await sampleRequest(app, keys, 'GenerateRandom')).NumberOfBytes),
  DeriveSharedSecret: async (opened) =>
    expect(opened.toString('base64')).toBe((await app.must('DeriveSharedSecret', await sampleRequest(app, keys, 'DeriveSharedSecret'))).SharedSecret),
};

describe('the sealed answer', () => {
  test('is CMS EnvelopedData for one RSA key, OAEP with SHA-256 in both places, around AES-256-CBC', async () => {
    const text = describeEnvelope(bytes((await ask('GenerateRandom', recipientOf())).body.CiphertextForRecipient));

    expect(text).toContain('contentType: pkcs7-envelopedData');
    expect(text.match(/algorithm: rsaesOaep/g)).toHaveLength(1);
    expect(text.match(/sha256/g)?.length).toBeGreaterThanOrEqual(2);
    expect(text).toContain('algorithm: aes-256-cbc');
  });

  test('opens with no other key, is another one each time, and fits keys of 3072 and 4096 bits', async () => {
    const envelopes = await Promise.all([1, 2].map(async () => (await ask('Decrypt', recipientOf())).body.CiphertextForRecipient));
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

    expect(envelopes[0]).not.toBe(envelopes[1]);
    // With a key that does not fit, OpenSSL goes on with a random content key, whose padding is right once in 256 times.
    expect(openOrNothing(stranger, bytes(envelopes[0]))).not.toBe('sample message');
    for (const modulusLength of [3072, 4096]) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
      const { body } = await ask('Decrypt', recipientOf({ publicKey: publicKey.export({ format: 'der', type: 'spki' }) }));
      expect(openEnvelope(privateKey, bytes(body.CiphertextForRecipient)).toString()).toBe('sample message');
    }
  });
});

function openOrNothing(key: ReturnType<typeof createPrivateKey>, envelope: Buffer): string | undefined {
  try {
    return openEnvelope(key, envelope).toString();
  } catch {
    return undefined;
  }
}

describe('DryRun with a Recipient', () => {
  const dry = attested.map(([name]) => name).filter((name) => name !== 'GenerateRandom');

  test.each(dry)('%s checks the document, and then answers as without one', async (name) => {
    const good = await ask(name, { ...recipientOf(), DryRun: true });
    const bad = await ask(name, { ...recipientOf({ timestamp: 1 }), DryRun: true });

    expect([good.code, bad.code]).toEqual(['DryRunOperationException', 'ValidationException']);
  });

  test('GenerateRandom has no DryRun, as in the model', () => {
    expect('DryRun' in operations.find(({ name }) => name === 'GenerateRandom')!.input.shape).toBe(false);
  });
});

describe('conditions on the measurements', () => {
  const allow = async (condition: Members): Promise<void> => {
    const statements = [
      { Effect: 'Allow', Principal: '*', Action: ['kms:PutKeyPolicy', 'kms:Encrypt', 'kms:DescribeKey', 'kms:EnableKey'], Resource: '*' },
      { Effect: 'Allow', Principal: '*', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: '*', Condition: condition },
    ];
    await app.must('PutKeyPolicy', { KeyId: keys.symmetric, Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }), BypassPolicyLockoutSafetyCheck: true });
  };
  const outcomes = async (members: Members): Promise<readonly (string | undefined)[]> => [(await ask('Decrypt', members)).code, (await ask('GenerateDataKey', members)).code];
  const denied = ['AccessDeniedException', 'AccessDeniedException'];
  const allowed = [undefined, undefined];

  test('a key that asks for an image is used for that image and for nothing else', async () => {
    await allow({ StringEqualsIgnoreCase: { 'kms:RecipientAttestation:ImageSha384': hex(0).toUpperCase() } });

    expect(await outcomes(recipientOf())).toEqual(allowed);
    expect(await outcomes({})).toEqual(denied);
    expect(await outcomes(recipientOf({ pcrs: new Map([[0, Buffer.alloc(48)]]) }))).toEqual(denied);
  });

  test.each([0, 1, 2, 3, 4, 8])('PCR%i is compared with the document, in lower case as in AWS KMS', async (index) => {
    await allow({ StringEquals: { [`kms:RecipientAttestation:PCR${index}`]: hex(index) } });
    expect(await outcomes(recipientOf())).toEqual(allowed);
    expect(await outcomes({})).toEqual(denied);

    await allow({ StringEquals: { [`kms:RecipientAttestation:PCR${index}`]: hex((index + 1) % 4) } });
    expect(await outcomes(recipientOf())).toEqual(denied);
  });

  test('a PCR that the document does not have is a condition key that the request does not have', async () => {
    await allow({ Null: { 'kms:RecipientAttestation:PCR31': 'true', 'kms:RecipientAttestation:PCR0': 'false' } });
    expect(await outcomes(recipientOf())).toEqual(allowed);
    expect(await outcomes({})).toEqual(denied);

    await allow({ Null: { 'kms:RecipientAttestation:PCR31': 'false' } });
    expect(await outcomes(recipientOf())).toEqual(denied);
    expect(await outcomes(recipientOf({ pcrs: new Map([[31, Buffer.alloc(48)]]) }))).toEqual(allowed);
  });

  test('a document that is not accepted never reaches the decision', async () => {
    await allow({ Null: { 'kms:RecipientAttestation:ImageSha384': 'true' } });

    expect(await outcomes(recipientOf({ timestamp: 1 }))).toEqual(['ValidationException', 'ValidationException']);
    expect(await outcomes({})).toEqual(allowed);
  });

  test('identity documents see them too, for GenerateRandom as well', async () => {
    const Document = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'kms:GenerateRandom', Resource: '*', Condition: { StringEquals: { 'kms:RecipientAttestation:PCR2': hex(2) } } },
    });
    await app.must('CreateRole', { RoleName: 'enclaves', Document });
    const caller = { account: '111122223333', region: 'eu-west-1', principalArn: 'arn:aws:iam::111122223333:user/enclave', principalId: 'AIDAENCLAVE', accessKeyId: 'AKIAENCLAVE' };
    await app.must('CreateBinding', { Principal: caller.principalArn, RoleName: 'enclaves' });

    expect((await app.call('GenerateRandom', { NumberOfBytes: 8, ...recipientOf() }, { caller })).code).toBeUndefined();
    expect((await app.call('GenerateRandom', { NumberOfBytes: 8 }, { caller })).code).toBe('AccessDeniedException');
  });
});

describe('elsewhere', () => {
  test('a bad document is refused before the key is looked for, so that it tells nothing of the key', async () => {
    await setKeyState(app, keys.symmetric, 'Disabled');

    expect((await ask('GenerateDataKey', { ...recipientOf({ timestamp: 1 }), KeyId: 'aaaaaaaa-0000-0000-0000-000000000000' })).code).toBe('ValidationException');
    expect((await ask('GenerateDataKey', recipientOf({ timestamp: 1 }))).code).toBe('ValidationException');
    expect((await ask('GenerateDataKey', recipientOf())).code).toBe('DisabledException');
  });

  test('REST refuses the member where an operation does not have it; the wire protocol passes over it, as AWS KMS does', async () => {
    expect((await ask('Encrypt', recipientOf(), 'rest')).message).toContain("Unknown member 'Recipient'");
    expect((await ask('GenerateDataKeyWithoutPlaintext', recipientOf(), 'rest')).message).toContain("Unknown member 'Recipient'");
    expect((await ask('Encrypt', recipientOf())).code).toBeUndefined();
  });

  test.each(['Decrypt', 'GenerateDataKey'])('an item of %sBatch with the member is refused, and the others are answered', async (name) => {
    const good = await sampleRequest(app, keys, name);

    const { Results, FailedCount } = await app.must(`${name}Batch`, { Items: [good, { ...good, ...recipientOf() }] });

    expect(FailedCount).toBe(1);
    expect((Results as Members[])[1]).toEqual({ Error: { Code: 'ValidationException', Message: 'An item of a batch takes no Recipient.' } });
    expect((Results as Members[])[0]).toHaveProperty('Output.Plaintext');
  });
});
