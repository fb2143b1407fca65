import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuthority, issue } from '#bridge/pki/certificates.ts';
import { type ConnectBridge, openKeyStores } from '#server/bridge/key-stores-file.ts';
import { SettingInvalid } from '#server/settings.ts';
import { createSoftwareCrypto } from '#test/support/software-crypto.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'chatelaine-key-stores-'));
  file = join(dir, 'key-stores.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const good = { clusterId: 'cluster-secondhsm22', url: 'https://10.0.0.5:9443', hsmProfile: 'softhsm2', ca: 'ca.pem', certificate: 'client.pem', key: 'client-key.pem' };

async function writePems(): Promise<void> {
  const authority = await createAuthority();
  const client = await issue({ authority, kind: 'client', callerClass: 'admin' });
  for (const [name, text] of Object.entries({ 'ca.pem': authority.certificate, 'client.pem': client.certificate, 'client-key.pem': client.key }))
    writeFileSync(join(dir, name), text);
}
const write = (...entries: object[]): void => writeFileSync(file, JSON.stringify({ keyStores: entries }));
const noConnection: ConnectBridge = () => ({ ...createSoftwareCrypto(), close: () => undefined });
const open = () => openKeyStores(file, noConnection);

test('without the file there are no further bridges', () => {
  expect([...open().bridges]).toEqual([]);
});

test('each entry becomes a bridge under its cluster id, with the fingerprint of its trust anchor', async () => {
  await writePems();
  write(good, { ...good, clusterId: 'cluster-thirdhsm222', serverName: 'hsm-bridge', accounts: ['111122223333'] });

  const { bridges } = open();

  expect([...bridges.keys()]).toEqual(['cluster-secondhsm22', 'cluster-thirdhsm222']);
  expect(bridges.get('cluster-secondhsm22')?.trustAnchorSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(bridges.get('cluster-thirdhsm222')?.accounts).toEqual(['111122223333']);
});

test.each([
  ['text that is not JSON', () => writeFileSync(file, '{')],
  ['an address that is not https', () => write({ ...good, url: 'http://10.0.0.5:9443' })],
  ['a name that AWS clients cannot send', () => write({ ...good, clusterId: 'my-hsm' })],
  ['two entries of one cluster', () => write(good, good)],
  ['an unknown member', () => write({ ...good, password: 'x' })],
  ['a file that is not there', () => write({ ...good, ca: 'nothing.pem' })],
  ['a trust anchor that is no certificate', () => write({ ...good, ca: 'client-key.pem' })],
])('%s is refused with a message for the operator that names the file', async (_, prepare) => {
  await writePems();
  prepare();

  expect(open).toThrow(SettingInvalid);
  expect(open).toThrow(file);
});

test('a key that a TLS client cannot use is refused without a word of it', async () => {
  await writePems();
  write(good);
  const connect: ConnectBridge = () => {
    throw new Error('bad key: SENTINEL');
  };

  expect(() => openKeyStores(file, connect)).toThrow(/not usable/);
  expect(() => openKeyStores(file, connect)).not.toThrow(/SENTINEL/);
});
