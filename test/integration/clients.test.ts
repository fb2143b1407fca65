/** Unmodified clients against the real server: what a user's first five minutes look like. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisabledException,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GetPublicKeyCommand,
  InvalidCiphertextException,
  KMSClient,
  NotFoundException,
  paginateListAliases,
  SignCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/support/server.ts';

const run = promisify(execFile);
const region = 'eu-central-1';
/** Version 2. The bootstrap finds or installs it; without the bootstrap it is where Debian puts it. */
const awsCli = process.env.CHATELAINE_AWS_CLI ?? '/usr/bin/aws';
const python = resolve(import.meta.dirname, '../../.cache/venv/bin/python');
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

const environment = () => ({ PATH: process.env.PATH, HOME: server.dataDir, AWS_SHARED_CREDENTIALS_FILE: server.credentialsFile, AWS_REGION: region, AWS_PAGER: '' });
const sdk = (options: Record<string, unknown> = {}) =>
  new KMSClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: server.credentials.accessKeyId, secretAccessKey: server.credentials.secretAccessKey },
    ...options,
  });

async function aws(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(awsCli, ['kms', ...args, '--endpoint-url', server.endpoint, '--region', region, '--output', 'json'], { env: environment() });
  return stdout.trim() === '' ? {} : JSON.parse(stdout);
}

async function curl(method: string, path: string, body?: unknown, service = 'kms'): Promise<{ status: number; body: Record<string, unknown> }> {
  const { accessKeyId, secretAccessKey } = server.credentials;
  const data = body === undefined ? [] : ['--data-binary', JSON.stringify(body), '-H', 'content-type: application/json'];
  const { stdout } = await run('curl', [
    ...['-sS', '-X', method, `${server.endpoint}${path}`, '--aws-sigv4', `aws:amz:${region}:${service}`, '--user', `${accessKeyId}:${secretAccessKey}`],
    ...['-w', '\n%{http_code}', ...data],
  ]);
  const at = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(at + 1)), body: at <= 0 ? {} : JSON.parse(stdout.slice(0, at)) };
}

describe.each(['kms', 'execute-api'])('boto3, signing as %s', (signingName) => {
  test('makes keys, encrypts, signs, authenticates, rotates, pages, and gets AWS errors', async () => {
    const script = resolve(import.meta.dirname, 'clients/tour.py');
    if (signingName === 'execute-api') await sdk().send(new DeleteAliasCommand({ AliasName: 'alias/boto3' }));

    const { stdout } = await run(python, [script, server.endpoint, region, signingName], { env: environment() });

    expect(JSON.parse(stdout)).toEqual({
      arn: expect.stringMatching(/^arn:aws:kms:eu-central-1:000000000000:key\/[0-9a-f-]{36}$/),
      plaintext: 'hello',
      dataKeyLength: 32,
      dataKeyOpens: true,
      signatureValid: true,
      macValid: true,
      listed: true,
      rotations: 1,
      wrongContext: 'InvalidCiphertextException',
      unknownKey: 'NotFoundException',
      wrongUsage: 'InvalidKeyUsageException',
    });
  });
});

test('boto3 brings key material of its own, and gets it back by the same material only', async () => {
  const script = resolve(import.meta.dirname, 'clients/import_tour.py');

  const { stdout } = await run(python, [script, server.endpoint, region], { env: environment() });

  expect(JSON.parse(stdout)).toEqual({
    states: ['PendingImport', 'Enabled', 'PendingImport'],
    without: 'KMSInvalidStateException',
    otherMaterial: 'IncorrectKeyMaterialException',
    again: 'hello',
    validTo: true,
    expirationModel: 'KEY_MATERIAL_EXPIRES',
    macIsOfTheMaterial: true,
    tokenOfAnotherKey: 'InvalidImportTokenException',
    wrappedByNobody: 'InvalidCiphertextException',
  });
});

describe('AWS CLI', () => {
  test('makes a key, encrypts and decrypts a file, schedules and cancels deletion', async () => {
    const { KeyMetadata } = (await aws('create-key', '--description', 'from the command line')) as { KeyMetadata: { KeyId: string; KeyState: string } };
    const { CiphertextBlob } = await aws('encrypt', '--key-id', KeyMetadata.KeyId, '--plaintext', Buffer.from('secret').toString('base64'));
    const blobFile = resolve(server.dataDir, 'blob');
    await writeFile(blobFile, Buffer.from(String(CiphertextBlob), 'base64'));

    const decrypted = await aws('decrypt', '--ciphertext-blob', `fileb://${blobFile}`);
    const scheduled = await aws('schedule-key-deletion', '--key-id', KeyMetadata.KeyId, '--pending-window-in-days', '7');
    await aws('cancel-key-deletion', '--key-id', KeyMetadata.KeyId);
    const described = (await aws('describe-key', '--key-id', KeyMetadata.KeyId)) as { KeyMetadata: { KeyState: string } };

    expect(Buffer.from(String(decrypted.Plaintext), 'base64').toString()).toBe('secret');
    expect(scheduled.KeyState).toBe('PendingDeletion');
    expect(described.KeyMetadata.KeyState).toBe('Disabled');
  });

  test('shows an AWS error as it shows those of AWS', async () => {
    const failed = aws('describe-key', '--key-id', 'alias/nowhere');

    await expect(failed).rejects.toThrow(
      /An error occurred \(NotFoundException\) when calling the DescribeKey operation: Alias arn:aws:kms:eu-central-1:000000000000:alias\/nowhere is not found\./,
    );
  });
});

describe('AWS SDK for JavaScript', () => {
  test('gets typed errors, dates, bytes and pages', async () => {
    const kms = sdk();
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const KeyId = KeyMetadata?.KeyId ?? '';
    for (let at = 0; at < 5; at += 1) await kms.send(new CreateAliasCommand({ AliasName: `alias/sdk-${at}`, TargetKeyId: KeyId }));
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }));
    const names: (string | undefined)[] = [];

    for await (const page of paginateListAliases({ client: kms, pageSize: 2 }, { KeyId })) names.push(...(page.Aliases ?? []).map((alias) => alias.AliasName));
    await kms.send(new DisableKeyCommand({ KeyId }));

    expect(KeyMetadata?.CreationDate).toBeInstanceOf(Date);
    expect(names).toEqual([0, 1, 2, 3, 4].map((at) => `alias/sdk-${at}`));
    await expect(kms.send(new DecryptCommand({ CiphertextBlob }))).rejects.toBeInstanceOf(DisabledException);
    await expect(kms.send(new DecryptCommand({ CiphertextBlob: Buffer.from('nonsense') }))).rejects.toBeInstanceOf(InvalidCiphertextException);
    await expect(kms.send(new DescribeKeyCommand({ KeyId: 'alias/none' }))).rejects.toBeInstanceOf(NotFoundException);
  });

  test('works with a stage behind the endpoint and with execute-api in the signature', async () => {
    const kms = sdk({ endpoint: `${server.endpoint}/prod`, signingName: 'execute-api' });

    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }));
    const request = { KeyId: KeyMetadata?.KeyId, Message: Buffer.from('m'), SigningAlgorithm: 'RSASSA_PSS_SHA_256' } as const;
    const { Signature } = await kms.send(new SignCommand(request));

    expect((await kms.send(new VerifyCommand({ ...request, Signature }))).SignatureValid).toBe(true);
    expect((await kms.send(new GetPublicKeyCommand({ KeyId: request.KeyId }))).PublicKey?.length).toBe(294);
  });

  test('takes account and Region of a key from the credential', async () => {
    server.writePrincipals([{ accessKeyId: 'AKIAOTHERACCOUNT0001', secretAccessKey: 'other-secret', account: '111122223333', principalArn: 'arn:aws:iam::111122223333:root' }]);
    const other = new KMSClient({ endpoint: server.endpoint, region: 'ap-south-1', credentials: { accessKeyId: 'AKIAOTHERACCOUNT0001', secretAccessKey: 'other-secret' } });
    await new Promise((done) => setTimeout(done, 300));

    const { KeyMetadata } = await other.send(new CreateKeyCommand({}));
    const foreign = sdk({ region: 'ap-south-1' }).send(new GenerateDataKeyCommand({ KeyId: KeyMetadata?.Arn, KeySpec: 'AES_256' }));

    expect(KeyMetadata?.Arn).toMatch(/^arn:aws:kms:ap-south-1:111122223333:key\//);
    await expect(foreign).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('curl --aws-sigv4 over REST', () => {
  test('makes, uses and lists a key; errors are problem documents', async () => {
    const created = await curl('POST', '/v1/keys', { Description: 'curl' });
    const { KeyId } = created.body.KeyMetadata as { KeyId: string };
    const encrypted = await curl('POST', `/v1/keys/${KeyId}/encrypt`, { Plaintext: Buffer.from('hi').toString('base64') }, 'execute-api');
    const decrypted = await curl('POST', '/v1/decrypt', { CiphertextBlob: encrypted.body.CiphertextBlob });
    const disabled = await curl('POST', `/v1/keys/${KeyId}/disable`);
    const refused = await curl('POST', '/v1/decrypt', { CiphertextBlob: encrypted.body.CiphertextBlob });
    const listed = await curl('GET', '/v1/keys?Limit=1000');
    const unknown = await curl('GET', '/v1/nothing');
    await curl('POST', '/v1/aliases', { AliasName: 'alias/curl', TargetKeyId: KeyId });
    const byAlias = await curl('GET', '/v1/keys/alias%2Fcurl');
    const unsorted = await curl('GET', `/v1/aliases?Limit=100&KeyId=${KeyId}`);

    expect(created.status).toBe(200);
    expect(Buffer.from(String(decrypted.body.Plaintext), 'base64').toString()).toBe('hi');
    expect(disabled).toEqual({ status: 204, body: {} });
    expect(refused).toMatchObject({ status: 409, body: { code: 'DisabledException' } });
    expect(listed.body.Keys).toContainEqual({ KeyId, KeyArn: expect.stringContaining(KeyId) });
    expect(byAlias.body).toMatchObject({ KeyMetadata: { KeyId } });
    expect(unsorted.body).toMatchObject({ Aliases: [{ AliasName: 'alias/curl' }] });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'UnknownOperationException' } });
  });
});
