/** The single-node server while what it depends on fails: the bridge, the token, the database file, the disk, the audit file. Under load where that matters. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { startLedger } from '#test/support/ledger.ts';
import { ledgerCall, startServer } from '#test/support/server.ts';

const healthy = (server: { health(): Promise<{ body: { status: string } }> }) => eventually('good health', async () => (await server.health()).body.status === 'ok');

describe('under load', () => {
  test('a bridge that is killed costs retryable errors, is started again, and nothing that was answered is lost', async () => {
    const server = await startServer();
    const ledger = startLedger(ledgerCall(server), { callers: 8 });
    for (let kills = 0; kills < 2; kills += 1) {
      await ledger.progress(25);
      process.kill(server.bridgePid(), 'SIGKILL');
      await ledger.progress(25);
    }
    await ledger.stop();
    await healthy(server);

    await ledger.verify();
    expect(ledger.errors.length).toBeGreaterThan(0);
    expect(ledger.unanswered).toEqual([]);
    expect(server.log.filter((line) => line.event === 'bridge-exited')).toHaveLength(2);
    await server.remove();
  });

  test('a token that goes away costs retryable errors, and is used again when it is back, without a restart of the server', async () => {
    const server = await startServer();
    const tokens = join(server.dataDir, 'hsm', 'tokens');
    const ledger = startLedger(ledgerCall(server), { callers: 8 });
    await ledger.progress(25);
    renameSync(tokens, `${tokens}.away`);
    await eventually('the end of the bridge', () => server.log.find((line) => line.event === 'bridge-exited'));
    await ledger.trouble();
    const { body: degraded } = await server.health();
    // SoftHSM may have made an empty folder meanwhile.
    rmSync(tokens, { recursive: true, force: true });
    renameSync(`${tokens}.away`, tokens);
    await ledger.progress(25);
    await ledger.stop();
    await healthy(server);

    await ledger.verify();
    expect(degraded).toMatchObject({ status: 'degraded', store: 'ok' });
    await server.remove();
  });

  test('while another process holds the database, reads go on and changes are refused; afterwards everything works', async () => {
    const server = await startServer();
    const ledger = startLedger(ledgerCall(server), { callers: 4 });
    await ledger.progress(25);
    const other = new DatabaseSync(join(server.dataDir, 'chatelaine.db'), { timeout: 5000 });
    other.exec('BEGIN IMMEDIATE');
    await ledger.trouble();
    expect((await server.call('ListKeys')).status).toBe(200);
    other.exec('ROLLBACK');
    other.close();
    await ledger.progress(25);
    await ledger.stop();

    await ledger.verify();
    expect(new Set(ledger.errors.map(({ code }) => code))).toEqual(new Set(['DependencyTimeoutException']));
    await server.remove();
  });

  test('on a full disk changes are refused and what is there can be used; with room again everything works, without a restart', async () => {
    const server = await startServer();
    const limit = (bytes: number | 'unlimited') => execFileSync('prlimit', [`--pid=${server.pid}`, `--fsize=${bytes}:unlimited`]);
    // Room for a few hundred audit lines, and for less than SQLite's log of changes has by then.
    const ledger = startLedger(ledgerCall(server), { callers: 4, keysPerHundred: 50 });
    await ledger.progress(20);
    limit(statSync(join(server.dataDir, 'chatelaine.db-wal')).size + 100_000);
    await ledger.trouble();
    const { body: sealed } = await server.call('GenerateRandom', { NumberOfBytes: 8 });
    limit('unlimited');
    await ledger.progress(25);
    await ledger.stop();

    expect(sealed.Plaintext).toBeDefined();
    await ledger.verify();
    await server.kill9();
    await server.restart();
    await ledger.verify();
    await server.remove();
  });
});

describe('what was not there at the start, or went away', () => {
  test('without its token the server runs degraded and says so; when the token is back it recovers by itself', async () => {
    const server = await startServer();
    const { body: created } = await server.call('CreateKey');
    const tokens = join(server.dataDir, 'hsm', 'tokens');
    await server.stop();
    renameSync(tokens, `${tokens}.away`);
    await server.restart();
    expect((await server.health()).status).toBe(503);
    expect((await server.health()).body).toMatchObject({ status: 'degraded', store: 'ok' });
    expect((await server.call('Encrypt', { KeyId: created.KeyMetadata.KeyId, Plaintext: 'AAAA' })).status).toBe(503);
    rmSync(tokens, { recursive: true, force: true });
    renameSync(`${tokens}.away`, tokens);
    await eventually('a working Encrypt', async () => (await server.call('Encrypt', { KeyId: created.KeyMetadata.KeyId, Plaintext: 'AAAA' })).status === 200);
    await server.remove();
  });

  test('without the PINs of its keys the server refuses to start instead of making a new token', async () => {
    const server = await startServer();
    await server.call('CreateKey');
    await server.stop();
    rmSync(join(server.dataDir, 'hsm'), { recursive: true });
    await expect(server.restart()).rejects.toThrow(/Restore .* from a backup/);
    expect(existsSync(join(server.dataDir, 'hsm'))).toBe(false);
    await server.remove();
  });

  test('an audit file that cannot be written: answers are withheld and alarmed, and come again when it can', async () => {
    const server = await startServer();
    const { body: created } = await server.call('CreateKey');
    const KeyId: string = created.KeyMetadata.KeyId;
    const file = join(server.dataDir, 'audit', 'audit.jsonl');
    renameSync(file, `${file}.away`);
    mkdirSync(file);
    const refused = await server.call('Encrypt', { KeyId, Plaintext: 'AAAA' });
    expect([refused.status, refused.body.__type, refused.body.CiphertextBlob]).toEqual([500, 'KMSInternalException', undefined]);
    expect((await server.health()).body).toMatchObject({ status: 'degraded', audit: 'EISDIR' });
    expect(readFileSync(join(server.dataDir, 'alarms.jsonl'), 'utf8')).toContain('audit-unavailable');
    rmdirSync(file);
    expect((await server.call('Encrypt', { KeyId, Plaintext: 'AAAA' })).status).toBe(200);
    expect((await server.health()).body.audit).toBe('ok');
    await server.remove();
  });

  test('with a second audit folder the service goes on while the first cannot be written', async () => {
    const second = mkdtempSync(join(tmpdir(), 'chatelaine-fallback-'));
    const server = await startServer({ env: { CHATELAINE_AUDIT_FALLBACK: second } });
    const file = join(server.dataDir, 'audit', 'audit.jsonl');
    await server.call('ListKeys');
    rmSync(file);
    mkdirSync(file);
    const answer = await server.call('ListKeys');
    expect(answer.status).toBe(200);
    expect(readFileSync(join(second, 'audit-fallback.jsonl'), 'utf8')).toContain(String(answer.headers['x-amzn-requestid']));
    await server.remove();
    rmSync(second, { recursive: true });
  });

  test('an audit line torn by a crash is set aside at the next start', async () => {
    const server = await startServer();
    await server.call('ListKeys');
    await server.kill9();
    appendFileSync(join(server.dataDir, 'audit', 'audit.jsonl'), '{"format":1,"eventId":"torn');
    await server.restart();
    await server.call('ListKeys');
    expect(server.auditRecords().map((record) => record.operation)).toEqual(['ListKeys', 'ListKeys']);
    expect(readFileSync(join(server.dataDir, 'audit', 'audit.jsonl.torn'), 'utf8')).toContain('torn');
    await server.remove();
  });
});
