/** What the single node counts: on a good day, and while its bridge is killed under load. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { metricNames } from '#shared/metrics/descriptors.ts';
import { exchange, startServer, type TestAnswer, type TestServer } from '#test/support/server.ts';

let server: TestServer;
let keyArn: string;
beforeAll(async () => {
  server = await startServer({ env: { CHATELAINE_METRICS_SECONDS: '0.2', CHATELAINE_SWEEP_SECONDS: '0.5' } });
  keyArn = (await server.call('CreateKey', {})).body.KeyMetadata.Arn;
});
afterAll(() => server.remove());

const tokenFile = () => join(server.dataDir, 'metrics-token');
const bearer = () => `Bearer ${readFileSync(tokenFile(), 'utf8').trim()}`;
const page = async (method = 'GET', path = '/metrics', headers: Record<string, string> = { authorization: bearer() }) =>
  await exchange(server.endpoint, { method, path, headers, body: new Uint8Array() });
/** The sum over all series of a name whose labels hold the text. */
const sum = (text: string, name: string, labels = ''): number =>
  text
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

test('GET /metrics has the numbers of server, bridge and sweep, and names no key, account or principal', async () => {
  await server.call('Encrypt', { KeyId: keyArn, Plaintext: randomBytes(16).toString('base64') });
  await server.call('Encrypt', { KeyId: 'alias/none', Plaintext: 'AAAA' });

  // The bridge and the sweep tell theirs by the clock.
  const text = await vi.waitFor(async () => {
    const { text } = await page();
    for (const name of ['chatelaine_bridge_ready', 'chatelaine_sweep_runs_total', 'chatelaine_outbox_age_seconds']) expect(text).toContain(`\n${name} `);
    return text;
  });

  expect(sum(text, 'chatelaine_requests_total', 'operation="Encrypt",outcome="success",key_spec="SYMMETRIC_DEFAULT"')).toBe(1);
  expect(sum(text, 'chatelaine_requests_total', 'operation="Encrypt",outcome="not-found"')).toBe(1);
  expect(sum(text, 'chatelaine_bridge_calls_total', 'result="ok"')).toBeGreaterThan(0);
  expect(sum(text, 'chatelaine_bridge_ready')).toBe(1);
  expect(sum(text, 'chatelaine_certificate_days_left_days', 'certificate="bridge"')).toBeGreaterThan(0);
  expect(sum(text, 'chatelaine_overdue_tasks', 'task="DELETION"')).toBe(0);
  const [, account, keyId] = /^arn:aws:kms:[^:]+:([0-9]{12}):key\/(.+)$/.exec(keyArn)!;
  for (const secret of [account!, keyId!, server.credentials.accessKeyId, 'arn:']) expect(text).not.toContain(secret);
});

test.each([
  ['no token', () => undefined],
  ['an empty one', () => 'Bearer '],
  ['another', () => `Bearer ${randomBytes(32).toString('base64url')}`],
  ['a part of it', () => bearer().slice(0, -1)],
  ['more than it', () => `${bearer()}a`],
  ['it under another scheme', () => bearer().replace('Bearer', 'Basic')],
])('with %s there are no numbers, whatever the method', async (_, authorization) => {
  const given = authorization();
  for (const method of ['GET', 'HEAD', 'POST']) {
    const answer = await page(method, '/metrics', given === undefined ? {} : { authorization: given });

    expect([answer.status, answer.text, answer.headers['www-authenticate']]).toEqual([401, '', 'Bearer']);
  }
});

test('the token is in a file that only its owner reads, and /health asks for none', async () => {
  expect(statSync(tokenFile()).mode & 0o777).toBe(0o600);
  expect((await server.health()).status).toBe(200);
});

test('only reading is allowed, and metric lines of the bridge are not logged a second time', async () => {
  expect((await page('POST')).status).toBe(405);
  expect((await page('GET', '/metrics/x')).status).not.toBe(200);
  expect(server.log.some((line) => '_aws' in line)).toBe(false);
});

test('a bridge killed under load: every request is answered, none with a wrong answer; the numbers show it; nothing is lost', async () => {
  const plaintexts = Array.from({ length: 120 }, () => randomBytes(24).toString('base64'));
  const answers: TestAnswer[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let at = next++; at < plaintexts.length; at = next++) {
      if (at === 40) process.kill(server.bridgePid(), 'SIGKILL');
      answers[at] = await server.call('Encrypt', { KeyId: keyArn, Plaintext: plaintexts[at] });
    }
  };

  await Promise.all(Array.from({ length: 8 }, caller));

  expect(answers).toHaveLength(plaintexts.length);
  for (const { status, body } of answers) expect(status === 200 ? 'ok' : body.__type).toMatch(/^(ok|DependencyTimeoutException|ThrottlingException)$/);
  expect(answers.filter(({ status }) => status !== 200).length).toBeGreaterThan(0);
  const { text } = await page();
  expect(sum(text, 'chatelaine_requests_total', 'outcome="fault"')).toBe(answers.filter(({ status }) => status === 503).length);
  expect(sum(text, 'chatelaine_bridge_calls_total', 'result="unavailable"')).toBeGreaterThan(0);

  await vi.waitFor(async () => expect((await server.health()).body.status).toBe('ok'), { timeout: 15_000, interval: 100 });
  await Promise.all(
    answers.map(async ({ status, body }, at) => {
      if (status === 200) expect((await server.call('Decrypt', { CiphertextBlob: body.CiphertextBlob })).body.Plaintext).toBe(plaintexts[at]);
    }),
  );
  const recorded = server.auditRecords().map(({ requestId }) => requestId);
  for (const { headers } of answers) expect(recorded.filter((id) => id === headers['x-amzn-requestid'])).toHaveLength(1);
});

test('the single node measures everything but what only the HSM control plane of AWS and its event bus know', async () => {
  const { text } = await page();
  const never = metricNames.filter((name) => /^(HsmCount|HsmsMissing|HsmsDegraded|HsmDivergence|HsmBackupAge|AlarmsNotSent|ArchiveFailures)$/.test(name));

  expect(never).toHaveLength(7);
  for (const name of ['bridge_jobs_total', 'bridge_answers_total', 'bridge_busy_workers_percent', 'sessions_reopened_total', 'cached_keys'])
    expect(text).toContain(`# TYPE chatelaine_${name} `);
});
