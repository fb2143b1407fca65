/** The single-node server as a process: start, stop, crash, restart, and everything that shares its data directory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { startLedger } from '#test/support/ledger.ts';
import { createDataDir, ledgerCall, startServer, type TestServer } from '#test/support/server.ts';

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('one server', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.remove());

  test('the ready line and the text name the endpoint and the credentials', () => {
    expect(server.log.find((line) => line.event === 'ready' && line.component === undefined)).toMatchObject({ endpoint: server.endpoint, credentialsFile: server.credentialsFile });
    for (const text of [server.endpoint, 'aws kms create-key', 'curl ', 'KMSClient']) expect(server.output).toContain(text);
    expect(server.output).not.toContain(server.credentials.secretAccessKey);
  });

  test('the data directory and the credentials are for the owner only', () => {
    expect(statSync(server.dataDir).mode & 0o777).toBe(0o700);
    for (const file of ['credentials', 'chatelaine.db', 'bridge.json', 'hsm/user-pin', 'tls/client-key.pem', 'server.lock']) {
      expect([file, statSync(join(server.dataDir, file)).mode & 0o077]).toEqual([file, 0]);
    }
  });

  test('a key can be made and used, and what happened is in the audit file and the access log', async () => {
    const { body: created } = await server.call('CreateKey');
    const plaintext = Buffer.from('a plaintext that nobody may log').toString('base64');
    const encrypted = await server.call('Encrypt', { KeyId: created.KeyMetadata.KeyId, Plaintext: plaintext, EncryptionContext: { purpose: 'context value that nobody may log' } });
    const decrypted = await server.call('Decrypt', { CiphertextBlob: encrypted.body.CiphertextBlob, EncryptionContext: { purpose: 'context value that nobody may log' } });

    expect(decrypted.body.Plaintext).toBe(plaintext);
    const requestId = decrypted.headers['x-amzn-requestid'];
    const line = await eventually('the access log line', () => server.log.find((each) => each.requestId === requestId));
    expect(line).toMatchObject({ event: 'request', operation: 'Decrypt', status: 200, principalArn: 'arn:aws:iam::000000000000:user/administrator' });
    expect(server.auditRecords().filter((record) => record.requestId === requestId)).toHaveLength(1);
    const written = server.output + readFileSync(join(server.dataDir, 'audit', 'audit.jsonl'), 'utf8');
    for (const secret of [plaintext, 'nobody may log', encrypted.body.CiphertextBlob, server.credentials.secretAccessKey]) expect(written).not.toContain(secret);
  });

  test('any Region of the signature is served, and keys of one are unknown in another', async () => {
    const { body } = await server.call('CreateKey', {}, { region: 'eu-central-1' });
    expect(body.KeyMetadata.Arn).toContain(':eu-central-1:');
    expect((await server.call('DescribeKey', { KeyId: body.KeyMetadata.KeyId }, { region: 'eu-central-1' })).status).toBe(200);
    expect((await server.call('DescribeKey', { KeyId: body.KeyMetadata.KeyId }, { region: 'ap-south-1' })).body.__type).toBe('NotFoundException');
  });

  test('principals.json gives access in its own account from the next request on, and takes it away again', async () => {
    const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'alice-secret', account: '111122223333', principalArn: 'arn:aws:iam::111122223333:user/alice' };
    const session = { ...alice, accessKeyId: 'ASIAALICE', sessionToken: 'alice-token', principalArn: 'arn:aws:sts::111122223333:assumed-role/deploy/alice' };

    expect((await server.call('ListKeys', {}, { principal: alice })).body.__type).toBe('UnrecognizedClientException');
    server.writePrincipals({
      principals: [
        { ...alice, roles: ['administrator'] },
        { ...session, roles: ['user', 'made-later'], tags: { Team: 'keys' } },
      ],
    });
    const created = await server.call('CreateKey', {}, { principal: alice });
    expect(created.body.KeyMetadata.AWSAccountId).toBe('111122223333');
    expect((await server.call('DescribeKey', { KeyId: created.body.KeyMetadata.KeyId }, { principal: session })).status).toBe(200);
    expect((await server.call('DisableKey', { KeyId: created.body.KeyMetadata.KeyId }, { principal: session })).body.__type).toBe('AccessDeniedException');
    const Condition = { StringEquals: { 'aws:PrincipalTag/Team': 'keys' } };
    const Statement = [
      { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111122223333:root' }, Action: 'kms:*', Resource: '*' },
      { Effect: 'Allow', Principal: '*', Action: 'kms:DisableKey', Resource: '*', Condition },
    ];
    const tagged = { KeyId: created.body.KeyMetadata.KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) };
    expect((await server.call('PutKeyPolicy', tagged, { principal: alice })).status).toBe(200);
    expect((await server.call('DisableKey', { KeyId: tagged.KeyId }, { principal: session })).status).toBe(200);
    expect((await server.call('ListKeys', {}, { principal: { ...session, sessionToken: undefined } })).body.__type).toBe('UnrecognizedClientException');
    expect((await server.call('DescribeKey', { KeyId: created.body.KeyMetadata.KeyId })).body.__type).toBe('NotFoundException');
    server.writePrincipals('{ broken');
    expect((await server.call('ListKeys', {}, { principal: alice })).status).toBe(200);
    server.writePrincipals([]);
    expect((await server.call('ListKeys', {}, { principal: alice })).body.__type).toBe('UnrecognizedClientException');
    expect((await server.call('ListKeys')).status).toBe(200);
  });

  test('a second server on the same data directory is refused', async () => {
    await expect(startServer({ dataDir: server.dataDir })).rejects.toThrow(/Another server is using/);
    expect((await server.call('ListKeys')).status).toBe(200);
  });

  test('a second server on the same port is refused, and leaves no bridge behind', async () => {
    const dataDir = await createDataDir();
    await expect(startServer({ dataDir, env: { CHATELAINE_PORT: String(server.port) } })).rejects.toThrow(/Port \d+ is in use/);
    rmSync(dataDir, { recursive: true });
  });

  test('a setting that makes no sense is refused by name', async () => {
    await expect(startServer({ dataDir: server.dataDir, env: { CHATELAINE_PORT: 'http' } })).rejects.toThrow(/CHATELAINE_PORT must be a number/);
  });
});

describe('the data directory', () => {
  test('the first start on an empty directory does the ceremony, makes the certificates and serves', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'chatelaine-first-'));
    const server = await startServer({ dataDir: join(parent, 'data') });
    const { body: created } = await server.call('CreateKey');
    expect((await server.call('Encrypt', { KeyId: created.KeyMetadata.KeyId, Plaintext: 'AAAA' })).status).toBe(200);
    await server.remove();
    rmSync(parent, { recursive: true });
  });

  test('it can be moved while the server is stopped', async () => {
    const server = await startServer();
    const { body: created } = await server.call('CreateKey');
    const { body: sealed } = await server.call('Encrypt', { KeyId: created.KeyMetadata.KeyId, Plaintext: 'AAAA' });
    await server.stop();
    const moved = `${server.dataDir}-moved`;
    renameSync(server.dataDir, moved);
    const again = await startServer({ dataDir: moved });
    expect((await again.call('Decrypt', { CiphertextBlob: sealed.CiphertextBlob })).body.Plaintext).toBe('AAAA');
    await again.remove();
    rmSync(moved, { recursive: true });
  });
});

describe('stopping', () => {
  test('SIGTERM ends the server and its bridge with code 0, and requests under way are answered', async () => {
    const server = await startServer();
    const bridge = server.bridgePid();
    const underWay = Array.from({ length: 20 }, () => server.call('GenerateRandom', { NumberOfBytes: 32 }));
    await underWay[0];
    const code = server.stop();
    const answers = await Promise.allSettled(underWay);
    expect(await code).toBe(0);
    for (const answer of answers) if (answer.status === 'fulfilled') expect(answer.value.status).toBe(200);
    expect(isRunning(bridge)).toBe(false);
    await server.remove();
  });

  test('kill -9 under load takes the bridge along, and a restart has everything that was answered: keys, states, aliases, ciphertexts and audit records', async () => {
    const server = await startServer();
    const ledger = startLedger(ledgerCall(server), { callers: 8, keysPerHundred: 30 });
    await ledger.progress(80);
    const bridge = server.bridgePid();
    await server.kill9();
    await ledger.trouble();
    await ledger.stop();
    await eventually('the end of the bridge', () => !isRunning(bridge));

    await server.restart();
    await ledger.verify();
    const recorded = () => new Set(server.auditRecords().map(({ requestId }) => requestId));
    await eventually('an audit record of each answer', () => ledger.answered.every(({ requestId }) => recorded().has(requestId)));
    expect(ledger.unanswered.length).toBeGreaterThan(0);
    await server.remove();
  });

  test('Ctrl-C on npm start ends it, the server and its bridge in good order, and leaves no lock behind', async () => {
    const dataDir = await createDataDir();
    // A terminal sends SIGINT to every process of the foreground group.
    const npm = spawn('npm', ['start'], { env: { ...process.env, CHATELAINE_DATA: dataDir, CHATELAINE_PORT: '0' }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [npm.stdout, npm.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const ended = once(npm, 'exit');
    const ready = JSON.parse(await eventually('a ready line', () => /^\{"event":"ready".*"endpoint".*$/m.exec(output)?.[0])) as { pid: number; bridgePid: number };
    process.kill(-npm.pid!, 'SIGINT');
    const [code, signal] = await ended;

    // npm ends by the signal itself, or with a code for it, as its version likes.
    expect([0, 130, 'SIGINT']).toContain(signal ?? code);
    expect([isRunning(ready.pid), isRunning(ready.bridgePid)]).toEqual([false, false]);
    expect(output).toMatch(/"event":"stopping".*"reason":"SIGINT"/);
    expect(output).not.toMatch(/\bat .*\.ts:|ERR!|stop-failed/);
    const again = await startServer({ dataDir });
    expect((await again.call('ListKeys')).status).toBe(200);
    await again.remove();
    rmSync(dataDir, { recursive: true });
  });

  test('the server ends when the process that started it is gone', async () => {
    const dataDir = await createDataDir();
    const starter = spawn(
      process.execPath,
      [
        '-e',
        `const child = require('node:child_process').spawn(process.execPath, [process.argv[1]], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }); child.on('exit', () => process.exit());`,
        resolve(import.meta.dirname, '../../server/main.ts'),
      ],
      { env: { ...process.env, CHATELAINE_DATA: dataDir, CHATELAINE_PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    starter.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const ready = JSON.parse(await eventually('a ready line', () => /^\{"event":"ready".*"endpoint".*$/m.exec(output)?.[0])) as { pid: number; bridgePid: number };
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    await eventually('the end of the server', () => !isRunning(ready.pid));
    await eventually('the end of the bridge', () => !isRunning(ready.bridgePid));
    rmSync(dataDir, { recursive: true });
  });
});
