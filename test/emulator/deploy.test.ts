/** The unmodified product stacks in the emulator, with IAM enforced for callers and for the functions' own roles, and a real bridge on SoftHSM. */

import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import type { CreateKeyCommandInput, KMS } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDynamoDbClient } from '#lambdas/adapters/dynamodb-client.ts';
import { createDynamoDbStore } from '#lambdas/adapters/dynamodb-store.ts';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { materialRow } from '#shared/repositories/rows.ts';
import { type Archive, openArchive } from '../support/archive.ts';
import { type Deployed, deploymentName, startDeployment } from '../support/deploy.ts';
import { type Credentials, createUser, kmsClient, rest } from '../support/deployed-callers.ts';
import { withEnvironment } from '../support/deployed-function.ts';
import { rewriteKey, runSweep, until } from '../support/deployed-sweep.ts';
import { describeAwsSdkTour } from './deployed/aws-sdk-tour.ts';
import { describeBridgeFaults } from './deployed/bridge-faults.ts';
import type { DeployedService } from './deployed/deployed-service.ts';
import { describeEditedRows } from './deployed/edited-rows.ts';
import { describeKeyStores } from './deployed/key-stores.ts';
import { describeRestTour } from './deployed/rest-tour.ts';

// Cold functions, a queue and a batching window are waited for.
vi.setConfig({ testTimeout: 90_000 });

let deployed: Deployed;
let archive: Archive;
let alice: Credentials;
let kms: KMS;
let store: RecordStore;
const service = (): DeployedService => ({ deployed, alice, store, archive });
const requestIds: string[] = [];
const plaintext = Buffer.from('attack at dawn');
const context = { tenant: 'blue' };

beforeAll(async () => {
  deployed = await startDeployment();
  archive = openArchive(deployed);
  alice = await createUser(deployed, 'alice', ['execute-api:Invoke']);
  kms = clientOf(alice);
  const { Core: core = '', Material: material = '', Ops: ops = '' } = deployed.outputs.data ?? {};
  store = createDynamoDbStore({ client: createDynamoDbClient(deployed.client), tables: { core, material, ops } });
}, 180_000);
afterAll(async () => {
  kms?.destroy();
  archive?.close();
  await deployed?.stop();
});

/** Notes the id of every request that was answered by the service. */
function clientOf(credentials: Credentials): KMS {
  const client = kmsClient(deployed, credentials);
  client.middlewareStack.add(
    (next) => async (args) => {
      const note = (id: string | undefined) => void (id !== undefined && requestIds.push(id));
      try {
        const result = await next(args);
        note((result.output as { $metadata?: { requestId?: string } }).$metadata?.requestId);
        return result;
      } catch (error) {
        note((error as { $metadata?: { requestId?: string } }).$metadata?.requestId);
        throw error;
      }
    },
    { step: 'initialize' },
  );
  return client;
}

async function call(method: string, path: string, options: Parameters<typeof rest>[4] = {}, as = alice) {
  const answer = await rest(deployed, as, method, path, options);
  if (answer.status !== 403) requestIds.push(answer.requestId);
  return answer;
}

async function newKey(input: CreateKeyCommandInput = {}): Promise<string> {
  const { KeyMetadata } = await kms.createKey(input);
  return KeyMetadata?.KeyId ?? '';
}
async function schedules(): Promise<(string | undefined)[]> {
  const events = new EventBridgeClient(deployed.client);
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  events.destroy();
  return Rules.map(({ ScheduleExpression }) => ScheduleExpression);
}
const errorName = async (request: Promise<unknown>): Promise<string> => request.then(() => 'none').catch((error: Error) => error.name);

describe('the wire protocol, with AWS SDK for JavaScript', () => {
  test('create, encrypt, decrypt, rotate, disable, refused, enable', async () => {
    const KeyId = await newKey({ Description: 'first' });
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: plaintext, EncryptionContext: context });
    await kms.rotateKeyOnDemand({ KeyId });
    const old = await kms.decrypt({ CiphertextBlob, EncryptionContext: context });
    const fresh = await kms.encrypt({ KeyId, Plaintext: plaintext });
    const { Rotations } = await kms.listKeyRotations({ KeyId });
    await kms.disableKey({ KeyId });
    const refused = [await errorName(kms.encrypt({ KeyId, Plaintext: plaintext })), await errorName(kms.decrypt({ CiphertextBlob: fresh.CiphertextBlob }))];
    await kms.enableKey({ KeyId });
    const again = await kms.decrypt({ CiphertextBlob: fresh.CiphertextBlob });

    expect(Buffer.from(old.Plaintext ?? [])).toEqual(plaintext);
    expect(Rotations).toHaveLength(1);
    expect(refused).toEqual(['DisabledException', 'DisabledException']);
    expect(Buffer.from(again.Plaintext ?? [])).toEqual(plaintext);
  });

  test('signatures, MACs, data keys, random bytes and re-encryption', async () => {
    const signing = await newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const hmac = await newKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const [one, two] = [await newKey(), await newKey()];

    const { Signature } = await kms.sign({ KeyId: signing, Message: plaintext, SigningAlgorithm: 'ECDSA_SHA_256' });
    const verified = await kms.verify({ KeyId: signing, Message: plaintext, SigningAlgorithm: 'ECDSA_SHA_256', Signature });
    const { PublicKey } = await kms.getPublicKey({ KeyId: signing });
    const { Mac } = await kms.generateMac({ KeyId: hmac, Message: plaintext, MacAlgorithm: 'HMAC_SHA_256' });
    const { MacValid } = await kms.verifyMac({ KeyId: hmac, Message: plaintext, MacAlgorithm: 'HMAC_SHA_256', Mac });
    const dataKey = await kms.generateDataKey({ KeyId: one, KeySpec: 'AES_256', EncryptionContext: context });
    const moved = await kms.reEncrypt({ CiphertextBlob: dataKey.CiphertextBlob, SourceEncryptionContext: context, DestinationKeyId: two });
    const opened = await kms.decrypt({ CiphertextBlob: moved.CiphertextBlob, KeyId: two });
    const random = await kms.generateRandom({ NumberOfBytes: 32 });

    expect(verified.SignatureValid).toBe(true);
    expect(PublicKey?.length).toBe(91);
    expect(MacValid).toBe(true);
    expect(opened.Plaintext).toEqual(dataKey.Plaintext);
    expect(random.Plaintext).toHaveLength(32);
  });

  test('aliases, tags and lists', async () => {
    const [first, second] = [await newKey(), await newKey()];
    const AliasName = 'alias/team/app';

    await kms.createAlias({ AliasName, TargetKeyId: first });
    await kms.updateAlias({ AliasName, TargetKeyId: second });
    const { KeyMetadata } = await kms.describeKey({ KeyId: AliasName });
    await kms.tagResource({ KeyId: second, Tags: [{ TagKey: 'team', TagValue: 'blue' }] });
    const tags = await kms.listResourceTags({ KeyId: second });
    const aliases = await kms.listAliases({ KeyId: second });
    const listed = await kms.listKeys({});
    await kms.deleteAlias({ AliasName });

    expect(KeyMetadata?.KeyId).toBe(second);
    expect(tags.Tags).toEqual([{ TagKey: 'team', TagValue: 'blue' }]);
    expect(aliases.Aliases?.map((alias) => alias.AliasName)).toEqual([AliasName]);
    expect(listed.Keys?.map((key) => key.KeyId)).toEqual(expect.arrayContaining([first, second]));
    expect(await errorName(kms.describeKey({ KeyId: AliasName }))).toBe('NotFoundException');
  });

  test("errors are AWS KMS's own", async () => {
    const KeyId = await newKey();
    const { CiphertextBlob = new Uint8Array() } = await kms.encrypt({ KeyId, Plaintext: plaintext, EncryptionContext: context });
    const flipped = Uint8Array.from(CiphertextBlob, (byte, at) => (at === CiphertextBlob.length - 1 ? byte ^ 1 : byte));

    expect(await errorName(kms.decrypt({ CiphertextBlob }))).toBe('InvalidCiphertextException');
    expect(await errorName(kms.decrypt({ CiphertextBlob: flipped, EncryptionContext: context }))).toBe('InvalidCiphertextException');
    expect(await errorName(kms.describeKey({ KeyId: '00000000-0000-4000-8000-000000000000' }))).toBe('NotFoundException');
    expect(await errorName(kms.sign({ KeyId, Message: plaintext, SigningAlgorithm: 'ECDSA_SHA_256' }))).toBe('InvalidKeyUsageException');
    expect(await errorName(kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 3 }))).toBe('ValidationException');
  });
});

describe('REST', () => {
  test('serves each group of routes', async () => {
    const created = await call('POST', '/v1/keys', { body: { Description: 'over REST' } });
    const { KeyId } = created.body.KeyMetadata as { KeyId: string };
    const key = `/v1/keys/${KeyId}`;
    const encrypted = await call('POST', `${key}/encrypt`, { body: { Plaintext: plaintext.toString('base64') } });
    const decrypted = await call('POST', '/v1/decrypt', { body: { CiphertextBlob: encrypted.body.CiphertextBlob } });
    const statuses = [
      (await call('GET', key)).status,
      (await call('GET', '/v1/keys', { query: 'Limit=1' })).status,
      (await call('PUT', `${key}/description`, { body: { Description: 'changed' } })).status,
      (await call('POST', '/v1/aliases', { body: { AliasName: 'alias/rest', TargetKeyId: KeyId } })).status,
      (await call('GET', '/v1/aliases')).status,
      (await call('PUT', `${key}/rotation`, { body: { RotationPeriodInDays: 90 } })).status,
      (await call('GET', `${key}/rotation`)).status,
      (await call('POST', `${key}/tags`, { body: { Tags: [{ TagKey: 'a', TagValue: 'b' }] } })).status,
      (await call('GET', `${key}/tags`)).status,
      (await call('GET', `${key}/policy`)).status,
      (await call('POST', '/v1/random', { body: { NumberOfBytes: 8 } })).status,
      (await call('POST', `${key}/schedule-deletion`, { body: { PendingWindowInDays: 7 } })).status,
    ];
    const refused = await call('POST', `${key}/encrypt`, { body: { Plaintext: plaintext.toString('base64') } });

    expect(created.status).toBe(200);
    expect(Buffer.from(String(decrypted.body.Plaintext), 'base64')).toEqual(plaintext);
    expect(statuses).toEqual([200, 200, 204, 204, 200, 204, 200, 204, 200, 200, 200, 200]);
    expect(refused).toMatchObject({ status: 409, body: { code: 'KMSInvalidStateException' } });
  });

  test('answers bad requests with problem documents', async () => {
    const malformed = await call('POST', '/v1/keys', { body: { Description: 17, Nonsense: true } });

    expect(malformed.status).toBe(400);
    expect(malformed.body.code).toBe('ValidationException');
  });
});

describe('who may call', () => {
  test('a changed signature, an unknown key and a user without permission do not get past the gateway', async () => {
    const bob = await createUser(deployed, 'bob', []);
    const spoiled = await call('GET', '/v1/keys', {
      tamper(headers) {
        headers.authorization = headers.authorization!.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
      },
    });
    const unknown = await call('GET', '/v1/keys', {}, { ...alice, accessKeyId: 'AKIAUNKNOWN000000000' });
    const forbidden = await call('GET', '/v1/keys', {}, bob);

    expect([spoiled.status, unknown.status, forbidden.status]).toEqual([403, 403, 403]);
  });

  test('an event that did not come through the gateway of this deployment is refused', async () => {
    const lambda = new LambdaClient(deployed.client);
    const identity = { accountId: '000000000000', userArn: 'arn:aws:iam::000000000000:user/mallory', caller: 'AIDAMALLORY' };
    const forged = { resource: '/v1/keys', httpMethod: 'GET', headers: {}, requestContext: { apiId: 'forged', identity } };

    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: `${deploymentName}-ListKeys`, Payload: Buffer.from(JSON.stringify(forged)) }));
    lambda.destroy();

    expect(JSON.parse(Buffer.from(Payload ?? []).toString())).toMatchObject({ statusCode: 403 });
  });
});

describe('what the service itself allows', () => {
  test('a user whom the gateway lets in may do nothing until a role or a grant says so, and no longer than that', async () => {
    const carol = await createUser(deployed, 'carol', ['execute-api:Invoke']);
    const arn = 'arn:aws:iam::000000000000:user/carol';
    const asCarol = clientOf(carol);
    const [KeyId, granted] = [await newKey(), await newKey()];
    const encrypt = (id: string) => errorName(asCarol.encrypt({ KeyId: id, Plaintext: plaintext }));

    const before = await encrypt(KeyId);
    const bound = await call('POST', '/v1/bindings', { body: { Principal: arn, RoleName: 'user' } });
    const byRole = await encrypt(KeyId);
    const removed = await call('DELETE', '/v1/bindings', { query: new URLSearchParams({ Principal: arn, RoleName: 'user' }).toString() });
    const after = await encrypt(KeyId);
    const { GrantId } = await kms.createGrant({ KeyId: granted, GranteePrincipal: arn, Operations: ['Encrypt'] });
    const byGrant = [await encrypt(granted), await encrypt(KeyId)];
    await kms.revokeGrant({ KeyId: granted, GrantId });
    const revoked = await encrypt(granted);
    const { body } = await call('POST', '/v1/simulate', { body: { Principal: arn, Action: 'kms:Encrypt', KeyId } });
    asCarol.destroy();

    expect([before, after, revoked]).toEqual(['AccessDeniedException', 'AccessDeniedException', 'AccessDeniedException']);
    expect([bound.status, removed.status]).toEqual([204, 204]);
    expect([byRole, ...byGrant]).toEqual(['none', 'none', 'AccessDeniedException']);
    expect(body.Decision).toBe('implicitDeny');
  });
});

describe('without a caller', () => {
  test('keys that are due are rotated and destroyed', async () => {
    const [rotated, destroyed] = [await newKey(), await newKey()];
    const now = Date.now();
    await rewriteKey(deployed, store, rotated, (record) => ({ ...record, rotation: { ...record.rotation, enabled: true, periodDays: 90, nextAt: now - 1000 } }));
    await rewriteKey(deployed, store, destroyed, (record) => ({ ...record, state: 'PendingDeletion', deletion: { at: now - 1000, pendingWindowDays: 7, requestedBy: 'test' } }));

    await runSweep(deployed);

    await until(async () => (await kms.listKeyRotations({ KeyId: rotated })).Rotations?.length === 1);
    await until(async () => (await errorName(kms.describeKey({ KeyId: destroyed }))) === 'NotFoundException');
    const [material] = await store.getMany([materialRow({ region: deployed.client.region, keyId: destroyed }, 1)]);
    expect(material).toBeUndefined();
    const bySystem = (records: readonly { protocol: string; operation: string }[]) => records.filter(({ protocol }) => protocol === 'system').map(({ operation }) => operation);
    const records = await archive.until(archive.records, (all) => bySystem(all).length >= 2);
    expect(bySystem(records).sort()).toEqual(['DeleteKey', 'RotateKey']);
  });
});

describeAwsSdkTour(service);
describeRestTour(service);
describeEditedRows(service);
describeKeyStores(service);
describeBridgeFaults(service);

describe('the audit trail', () => {
  // The function's role may put events on the deployment's bus only, so another bus refuses them.
  const lostBus = { CHATELAINE_EVENT_BUS: 'a-bus-that-is-not-ours' };

  test('takes records by the queue when the bus refuses them', async () => {
    await withEnvironment(deployed, 'GenerateRandom', lostBus, async () => {
      const { $metadata } = await kms.generateRandom({ NumberOfBytes: 8 });

      await archive.until(archive.records, (all) => all.some(({ requestId }) => requestId === $metadata.requestId));
    });
  });

  test('withholds the answer when neither bus nor queue takes the record', async () => {
    const lostQueue = { CHATELAINE_AUDIT_QUEUE_URL: `${deployed.emulator.endpoint}/000000000000/a-queue-that-is-not-ours` };
    await withEnvironment(deployed, 'GenerateRandom', { ...lostBus, ...lostQueue }, async () => {
      const { status, body } = await rest(deployed, alice, 'POST', '/v1/random', { body: { NumberOfBytes: 8 } });

      expect(status).toBe(500);
      expect(body).toMatchObject({ code: 'KMSInternalException' });
      expect(body.Plaintext).toBeUndefined();
    });
  });

  test('holds exactly one record for each request that the service answered, with the caller that the gateway verified', async () => {
    const asked = new Set(requestIds);
    const byRequest = (records: readonly { requestId: string }[]) => records.filter(({ requestId }) => asked.has(requestId));

    const records = byRequest(await archive.until(archive.records, (all) => new Set(byRequest(all).map(({ requestId }) => requestId)).size === asked.size)) as Awaited<
      ReturnType<Archive['records']>
    >;

    expect(asked.size).toBe(requestIds.length);
    expect(records).toHaveLength(asked.size);
    const own = records.filter(({ principal }) => principal?.arn !== 'arn:aws:iam::000000000000:user/carol');
    for (const { principal } of own)
      expect(principal).toMatchObject({ arn: 'arn:aws:iam::000000000000:user/alice', id: expect.stringMatching(/^AIDA/), accessKeyId: alice.accessKeyId });
    expect(new Set(own.map(({ outcome }) => outcome))).toEqual(new Set(['success', 'failed']));
  });

  test('holds nothing that was secret', async () => {
    const text = JSON.stringify([await archive.records(), await archive.alarms()]);

    for (const secret of [plaintext.toString(), plaintext.toString('base64'), context.tenant, alice.secretAccessKey]) expect(text).not.toContain(secret);
  });

  test('holds the request that did not come through the gateway', async () => {
    const records = await archive.records();

    expect(records.filter(({ outcome }) => outcome === 'denied').filter(({ principal }) => principal === undefined)).toMatchObject([
      { operation: 'unknown', errorCode: 'AccessDeniedException' },
    ]);
  });
});

describe('the deployment', () => {
  test('an update brings what was changed and keeps the keys; the deployment can be taken away and made again', async () => {
    const KeyId = await newKey();
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: plaintext });
    const [CustomKeyStore] = (await kms.describeCustomKeyStores({})).CustomKeyStores ?? [];
    const inStore = await newKey({ Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: CustomKeyStore?.CustomKeyStoreId });
    const before = await schedules();

    // The bridge of the key store is withdrawn.
    await deployed.deploy({ logRetentionDays: 90, sweepMinutes: 30, keyStores: [] });
    kms.destroy();
    kms = clientOf(alice);
    const opened = await kms.decrypt({ CiphertextBlob });
    const { KeyMetadata: withdrawn } = await kms.describeKey({ KeyId: inStore });
    const refused = await errorName(kms.encrypt({ KeyId: inStore, Plaintext: plaintext }));
    const { CustomKeyStores } = await kms.describeCustomKeyStores({});
    const after = await schedules();
    const printed = await deployed.cdk('destroy', '--all', '--force', ...deployed.contextArguments);

    expect(Buffer.from(opened.Plaintext ?? [])).toEqual(plaintext);
    expect([before.includes('rate(30 minutes)'), after.includes('rate(30 minutes)')]).toEqual([false, true]);
    expect([withdrawn?.KeyState, refused, CustomKeyStores?.[0]?.ConnectionState]).toEqual(['Unavailable', 'KMSInvalidStateException', 'FAILED']);
    expect(printed).not.toMatch(/fail|error/i);
    // The archive outlives the deployment.
    expect((await archive.records()).length).toBeGreaterThan(0);

    await deployed.deploy();
    kms.destroy();
    kms = clientOf(alice);

    expect((await kms.listKeys({})).Keys).toEqual([]);
    expect(await newKey()).not.toBe('');
  }, 240_000);
});
