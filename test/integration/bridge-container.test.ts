import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBridgeClient } from '#bridge/client/bridge-client.ts';
import { exitCodes } from '#bridge/exit-codes.ts';
import { issueUnder } from '#bridge/pki/certificates.ts';
import { type BridgeCertificate, createBridgeCrypto } from '#lambdas/adapters/bridge-crypto.ts';
import { createCertificateSecrets } from '#lambdas/authority/certificate-secrets.ts';
import { issueCertificates, type Subject } from '#lambdas/authority/issue-certificates.ts';
import { type KmsAuthorityKey, readKmsAuthorityKey } from '#lambdas/authority/kms-authority-key.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import { makeKey } from '#test/hsm/keys.ts';
import { type BridgeContainer, startContainer } from '#test/support/bridge-container.ts';
import { type SecretStore, startSecretStore } from '#test/support/secret-store.ts';
import { startServer, type TestServer } from '#test/support/server.ts';
import { createTestToken, type TestToken } from '#test/support/token.ts';

/** The keys of the authority are keys of a KMS: here of this very product. */
let kms: TestServer;
let secrets: SecretStore;
let token: TestToken;
let keys: [KmsAuthorityKey, KmsAuthorityKey];
const containers: BridgeContainer[] = [];

const names = ['bridge.test.internal'];
const subjects: readonly Subject[] = [
  { kind: 'bridge', secret: 'bridge', names },
  { kind: 'client', secret: 'crypto', callerClass: 'crypto' },
  { kind: 'client', secret: 'reader', callerClass: 'reader' },
];
const dayMs = 86_400_000;
const validDays = 14;

beforeAll(async () => {
  [kms, secrets, token] = await Promise.all([startServer(), startSecretStore(['bridge', 'crypto', 'reader', 'pin', 'user', 'anchor', 'empty']), createTestToken()]);
  secrets.write('pin', token.userPin);
  secrets.write('user', JSON.stringify({ username: 'chatelaine', password: 'user-password' }));
  secrets.write('anchor', 'the trust anchor');
  const { accessKeyId, secretAccessKey } = kms.credentials;
  const client = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } });
  const make = async () => readKmsAuthorityKey(client, (await kms.call('CreateKey', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })).body.KeyMetadata.KeyId);
  keys = [await make(), await make()];
  await issue([keys[0]]);
});
afterEach(async () => {
  for (const container of containers.splice(0)) await container.remove();
});
afterAll(async () => {
  await Promise.all([kms?.remove(), secrets?.stop()]);
  token?.remove();
});

const issue = async (authorities: readonly [KmsAuthorityKey, ...KmsAuthorityKey[]], now = Date.now()) => {
  const client = new SecretsManagerClient({ endpoint: secrets.endpoint, region: 'us-east-1', credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' } });
  return issueCertificates({ keys: authorities, subjects, secrets: createCertificateSecrets(client), validDays, now });
};
const start = async (changes: Readonly<Record<string, string>> = {}) => {
  const container = await startContainer(token, secrets.endpoint, changes);
  containers.push(container);
  return container;
};
const connect = (container: BridgeContainer) => (certificate: BridgeCertificate) => createBridgeClient({ url: container.url, servername: names[0]!, ...certificate });

/** A function's view: its own secret, and a clock that a test can turn. */
function caller(container: BridgeContainer, secret: string, clock: { now: number }): Crypto {
  return createBridgeCrypto({ loadSecret: async () => secrets.read(secret), connect: connect(container), now: () => clock.now });
}

describe('the container of the bridge', () => {
  test('serves callers by the certificates of the authority, says that it lives, and drains when told to stop', async () => {
    const container = await start();
    await container.until('ready');
    const crypto = caller(container, 'crypto', { now: 0 });

    await expect(crypto.generateRandom(16)).resolves.toHaveLength(16);
    expect((await fetch(`${container.healthUrl}/livez`)).status).toBe(200);
    expect((await fetch(`${container.healthUrl}/readyz`)).status).toBe(200);

    container.signal('SIGTERM');
    await container.until('stopping');
    // The load balancer still sends calls for a while.
    await expect(crypto.generateRandom(16)).resolves.toHaveLength(16);
    expect(await container.exited()).toBe(exitCodes.drained);
    expect(container.events().slice(-2)).toEqual(['stopping', 'draining']);
  });

  test('goes through a renewal and a change of authority under load without a failed call', async () => {
    await issue([keys[0]]);
    const container = await start();
    await container.until('ready');
    const clock = { now: Date.now() };
    const callers = ['crypto', 'reader'].map((secret) => caller(container, secret, clock));
    let done = 0;
    let running = true;
    const failures: unknown[] = [];
    const row = { digest: Buffer.alloc(32).toString('base64'), seal: Buffer.alloc(32).toString('base64') };
    const load = callers.map(async (crypto) => {
      while (running) {
        const call = crypto.checkSeals([row]);
        await call.then(() => done++).catch((error: unknown) => failures.push(error));
      }
    });
    const [old, next] = keys;
    const steps: readonly (readonly [readonly [KmsAuthorityKey, ...KmsAuthorityKey[]], number])[] = [
      [[old], (validDays / 2) * dayMs + 1000],
      [[old, next], 0],
      [[next, old], 0],
      [[next], 0],
    ];
    for (const [at, [authorities, laterMs]] of steps.entries()) {
      const { written } = await issue(authorities, Date.now() + laterMs);
      expect(written).toEqual(['bridge', 'crypto', 'reader']);
      await container.until('certificates-replaced', at + 1);
      clock.now += 31 * 60_000;
      const before = done;
      while (done < before + 30 && failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    running = false;
    await Promise.all(load);

    expect(failures).toEqual([]);
    // Nobody holds on to the first authority.
    const fresh = connect(container)(JSON.parse(secrets.read('crypto')) as BridgeCertificate);
    await expect(fresh.generateRandom(8)).resolves.toHaveLength(8);
    fresh.close();
  });

  test('refuses an expired certificate, and one of an authority that is no longer trusted', async () => {
    await issue([keys[0]]);
    const container = await start();
    await container.until('ready');
    const good = JSON.parse(secrets.read('crypto')) as BridgeCertificate;
    const attempt = async (authority: KmsAuthorityKey, certificate: string, days: number) => {
      const made = await issueUnder({ certificate, key: authority }, { kind: 'client', callerClass: 'crypto', validDays: days });
      const client = connect(container)({ ca: good.ca, cert: made.certificate, key: made.key });
      return client.generateRandom(8).finally(() => client.close());
    };
    const { trusted } = await issueCertificates({
      keys: [keys[1]],
      subjects: [],
      secrets: { currentVersion: async () => undefined, put: async () => undefined },
      validDays,
      now: Date.now(),
    });

    await expect(attempt(keys[0], good.ca, 1)).resolves.toHaveLength(8);
    await expect(attempt(keys[0], good.ca, -1 / 1440)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(attempt(keys[1], trusted, 1)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each([
    ['its certificate is missing', { CHATELAINE_BRIDGE_CERTIFICATE_SECRET: 'unknown' }, exitCodes.secretUnusable, 'unknown: ResourceNotFoundException'],
    ['the PIN is not there', { CHATELAINE_HSM_PIN_SECRET: 'empty' }, exitCodes.secretUnusable, 'empty: ResourceNotFoundException'],
    ['a secret is no certificate', { CHATELAINE_BRIDGE_CERTIFICATE_SECRET: 'pin' }, exitCodes.secretUnusable, 'pin: is not JSON'],
    ['the environment is wrong', { CHATELAINE_HSM_PROFILE: 'other' }, exitCodes.configInvalid, 'CHATELAINE_HSM_PROFILE'],
    ['CloudHSM has no cluster', { CHATELAINE_HSM_PROFILE: 'cloudhsm' }, exitCodes.configInvalid, 'CHATELAINE_HSM_CLUSTER_ID'],
  ])('ends with a code of its own and a reason when %s', async (_, changes, code, reason) => {
    const container = await start(changes);

    expect(await container.exited()).toBe(code);
    expect(container.output()).toContain(reason);
  });

  test.each([
    ['three HSMs', {}, []],
    ['one or two', { CHATELAINE_HSM_FEW: '1' }, ['--disable-key-availability-check']],
  ])('configures the client of CloudHSM by the id of the cluster and its trust anchor, for %s, before the bridge starts', async (_, changes, more) => {
    const folder = mkdtempSync(join(tmpdir(), 'chatelaine-cloudhsm-'));
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'etc'));
    writeFileSync(join(folder, 'bin/configure-pkcs11'), `#!/bin/sh\nprintf '%s\\n' "$@" > '${folder}/arguments'\n`, { mode: 0o755 });
    const cloudhsm = { CHATELAINE_HSM_PROFILE: 'cloudhsm', CHATELAINE_CLOUDHSM_FOLDER: folder, CHATELAINE_HSM_CLUSTER_ID: 'cluster-aaaaaaaaaaa' };
    const container = await start({ ...cloudhsm, CHATELAINE_HSM_TRUST_ANCHOR_SECRET: 'anchor', CHATELAINE_HSM_PIN_SECRET: 'user', CHATELAINE_TOKEN_LABEL: 'away', ...changes });
    await container.until('bridge-restarts');

    const anchor = join(folder, 'etc/customerCA.crt');
    expect(readFileSync(join(folder, 'arguments'), 'utf8').trim().split('\n')).toEqual([
      '--cluster-id',
      'cluster-aaaaaaaaaaa',
      '--region',
      'us-east-1',
      '--hsm-ca-cert',
      anchor,
      ...more,
    ]);
    expect(readFileSync(anchor, 'utf8')).toBe('the trust anchor');
    expect(container.output()).not.toContain('user-password');
    rmSync(folder, { recursive: true });
  });

  test('waits for an HSM that is away instead of ending, and counts as alive meanwhile', async () => {
    const container = await start({ CHATELAINE_TOKEN_LABEL: 'away' });
    await container.until('bridge-restarts');
    const livez = resolve(import.meta.dirname, '../../hsm-bridge/image/livez.ts');

    await expect(promisify(execFile)(process.execPath, [livez], { env: { ...container.environment } })).resolves.toBeDefined();
    container.signal('SIGTERM');
    expect(await container.exited()).not.toBeNull();
  });

  test('goes on after its HSM was lost and came back, under load: calls fail for that time, none is answered wrongly, and what was sealed opens', async () => {
    await issue([keys[0]]);
    const own = await createTestToken();
    const container = await start({ SOFTHSM2_CONF: own.configurationPath });
    await container.until('ready');
    const { ca } = JSON.parse(secrets.read('crypto')) as BridgeCertificate;
    const made = await issueUnder({ certificate: ca, key: keys[0] }, { kind: 'client', callerClass: 'admin', validDays: 1 });
    const crypto = connect(container)({ ca, cert: made.certificate, key: made.key });
    const side = { key: await makeKey(crypto, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'), algorithm: 'SYMMETRIC_DEFAULT' } as const;
    const sealed: (readonly [string, Awaited<ReturnType<typeof crypto.encrypt>>])[] = [];
    const codes = new Set<string>();
    let running = true;
    const load = Array.from({ length: 4 }, async (_, caller) => {
      for (let number = 0; running; number += 1) {
        const text = `${caller}/${number}`;
        await crypto
          .encrypt(side, Buffer.from(text))
          .then((parts) => sealed.push([text, parts]))
          .catch(async (error: { code: string }) => {
            codes.add(error.code);
            await new Promise((resume) => setTimeout(resume, 20));
          });
      }
    });
    const progress = async () => {
      const before = sealed.length;
      await vi.waitUntil(() => sealed.length > before + 20, { timeout: 20_000 });
    };
    const tokens = join(own.dir, 'tokens');
    await progress();
    renameSync(tokens, `${tokens}-gone`);
    await container.until('bridge-restarts');
    rmSync(tokens, { recursive: true, force: true });
    renameSync(`${tokens}-gone`, tokens);
    await container.until('ready', 2);
    await progress();
    running = false;
    await Promise.all(load);

    for (const [text, parts] of sealed) expect(Buffer.from(await crypto.decrypt(side, parts)).toString()).toBe(text);
    expect([...codes].filter((code) => !['unavailable', 'timeout', 'internal'].includes(code))).toEqual([]);
    expect(codes.size).toBeGreaterThan(0);
    crypto.close();
    await container.remove();
    own.remove();
  });

  test('writes no secret into its log', async () => {
    const container = await start();
    await container.until('ready');
    const { key } = JSON.parse(secrets.read('bridge')) as BridgeCertificate;

    expect(container.output()).not.toContain(token.userPin);
    expect(container.output()).not.toContain(key.split('\n')[1]);
  });
});
