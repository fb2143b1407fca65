import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pkcs11 from 'pkcs11js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { initialiseToken } from '#bridge/ceremony/ceremony.ts';
import { exitCodes } from '#bridge/exit-codes.ts';
import { startTestBridge } from '#test/support/bridge.ts';
import { createTestToken, type TestToken } from '#test/support/token.ts';
import type { Alteration } from './alter-token.ts';
import { makeKey } from './keys.ts';

let token: TestToken;
beforeEach(async () => {
  token = await createTestToken();
});
afterEach(() => token.remove());

type Attributes = Readonly<Record<number, boolean | number | string | { hex: string }>>;

/** Everything that the ceremony gives a KEK, but for the unwrap template, which pkcs11js cannot express. */
const kek: Attributes = {
  [pkcs11.CKA_CLASS]: pkcs11.CKO_SECRET_KEY,
  [pkcs11.CKA_KEY_TYPE]: pkcs11.CKK_AES,
  [pkcs11.CKA_VALUE_LEN]: 32,
  [pkcs11.CKA_LABEL]: 'chatelaine/default/kek/1',
  [pkcs11.CKA_TOKEN]: true,
  [pkcs11.CKA_PRIVATE]: false,
  [pkcs11.CKA_SENSITIVE]: true,
  [pkcs11.CKA_EXTRACTABLE]: false,
  [pkcs11.CKA_TRUSTED]: true,
  [pkcs11.CKA_MODIFIABLE]: false,
  [pkcs11.CKA_WRAP]: true,
  [pkcs11.CKA_UNWRAP]: true,
  [pkcs11.CKA_ENCRYPT]: false,
  [pkcs11.CKA_DECRYPT]: false,
  [pkcs11.CKA_SIGN]: false,
  [pkcs11.CKA_VERIFY]: false,
  [pkcs11.CKA_DERIVE]: false,
  [pkcs11.CKA_ALLOWED_MECHANISMS]: { hex: '0a21000000000000' },
};
const mac: Attributes = {
  ...kek,
  [pkcs11.CKA_KEY_TYPE]: pkcs11.CKK_GENERIC_SECRET,
  [pkcs11.CKA_LABEL]: 'chatelaine/default/mac/1',
  [pkcs11.CKA_PRIVATE]: true,
  [pkcs11.CKA_TRUSTED]: false,
  [pkcs11.CKA_WRAP]: false,
  [pkcs11.CKA_UNWRAP]: false,
  [pkcs11.CKA_SIGN]: true,
  [pkcs11.CKA_VERIFY]: true,
};

function alter(request: Omit<Alteration, 'modulePath' | 'pin'>): void {
  const alteration: Alteration = { ...request, modulePath: token.modulePath, pin: request.userType === pkcs11.CKU_SO ? token.soPin : token.userPin };
  const script = join(import.meta.dirname, 'alter-token.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, JSON.stringify(alteration)], {
    env: { ...process.env, SOFTHSM2_CONF: token.configurationPath },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

const listed = (attributes: Attributes) => Object.entries(attributes).map(([type, value]) => ({ type: Number(type), value }));
const replaceKek = (change: Attributes) =>
  alter({ userType: pkcs11.CKU_SO, remove: 'chatelaine/default/kek/1', generate: { mechanism: pkcs11.CKM_AES_KEY_GEN, attributes: listed({ ...kek, ...change }) } });

const refusedWith = async (message: string) => {
  const error = await startTestBridge({ token }).then(
    () => new Error('it started'),
    (reason: Error) => reason,
  );
  expect(error.message).toContain(`ended with ${exitCodes.domainKeysRefused}`);
  expect(error.message).toContain(message);
};

test.each<[string, Attributes, string]>([
  ['may decrypt', { [pkcs11.CKA_DECRYPT]: true }, 'DECRYPT is not false'],
  ['may encrypt', { [pkcs11.CKA_ENCRYPT]: true }, 'ENCRYPT is not false'],
  ['is extractable', { [pkcs11.CKA_EXTRACTABLE]: true }, 'EXTRACTABLE is not false'],
  ['is not trusted', { [pkcs11.CKA_TRUSTED]: false }, 'TRUSTED is not true'],
  ['can be modified', { [pkcs11.CKA_MODIFIABLE]: true }, 'MODIFIABLE is not false'],
  ['is not sensitive', { [pkcs11.CKA_SENSITIVE]: false }, 'SENSITIVE is not true'],
  ['may derive', { [pkcs11.CKA_DERIVE]: true }, 'DERIVE is not false'],
  ['is too short', { [pkcs11.CKA_VALUE_LEN]: 16 }, 'VALUE_LEN is not 32'],
  ['may use other mechanisms', { [pkcs11.CKA_ALLOWED_MECHANISMS]: { hex: '0a210000000000008210000000000000' } }, 'ALLOWED_MECHANISMS is not 0a21000000000000'],
  ['has no unwrap template', {}, 'unwraps with TOKEN weakened'],
])('a KEK that %s stops the bridge at start', async (_, change, message) => {
  replaceKek(change);

  await refusedWith(message);
});

test.each(['mac', 'seed', 'audit'])('a missing %s key stops the bridge at start', async (purpose) => {
  alter({ userType: pkcs11.CKU_USER, remove: `chatelaine/default/${purpose}/1` });

  await refusedWith(`chatelaine/default/${purpose}/1: missing`);
});

test('a MAC key that can be extracted stops the bridge at start', async () => {
  const attributes = listed({ ...mac, [pkcs11.CKA_EXTRACTABLE]: true });
  alter({ userType: pkcs11.CKU_USER, remove: 'chatelaine/default/mac/1', generate: { mechanism: pkcs11.CKM_GENERIC_SECRET_KEY_GEN, attributes } });

  await refusedWith('chatelaine/default/mac/1: EXTRACTABLE is not false');
});

test('the ceremony on a ready token changes nothing, and a new epoch leaves the old one usable', async () => {
  const request = { modulePath: token.modulePath, tokenDir: token.dir, label: token.label, soPin: token.soPin, userPin: token.userPin };
  const again = await initialiseToken(request);
  const first = await startTestBridge({ token: { ...token, remove: () => {} } });
  const client = await first.client();
  const key = await makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  const side = { key, algorithm: 'SYMMETRIC_DEFAULT' } as const;
  const sealed = await client.encrypt(side, Buffer.from('old'));
  const digest = Buffer.alloc(32).toString('base64');
  const [seal = ''] = await client.sealRows([digest]);
  await first.stop();

  const next = await initialiseToken({ ...request, epoch: 2 });
  const second = await startTestBridge({ token: { ...token, remove: () => {} }, config: { epoch: 2 } });
  const secondClient = await second.client();

  expect(again).toMatchObject({ created: [], auditPublicKey: token.auditPublicKey });
  expect(next.created).toEqual(['kek', 'mac', 'seed', 'audit']);
  expect(Buffer.from(await secondClient.decrypt(side, sealed)).toString()).toBe('old');
  expect(await secondClient.checkSeals([{ digest, seal }])).toEqual([true]);
  expect((await makeKey(secondClient, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')).material.epoch).toBe(2);
  await second.stop();
});

test('a key whose epoch was destroyed is refused', async () => {
  await initialiseToken({ modulePath: token.modulePath, tokenDir: token.dir, label: token.label, soPin: token.soPin, userPin: token.userPin, epoch: 2 });
  const first = await startTestBridge({ token: { ...token, remove: () => {} } });
  const key = await makeKey(await first.client(), 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  await first.stop();
  alter({ userType: pkcs11.CKU_SO, remove: 'chatelaine/default/kek/1' });

  const second = await startTestBridge({ token: { ...token, remove: () => {} }, config: { epoch: 2 } });
  const attempt = (await second.client()).encrypt({ key, algorithm: 'SYMMETRIC_DEFAULT' }, Buffer.from('x'));

  await expect(attempt).rejects.toMatchObject({ code: 'material-refused' });
  await second.stop();
});

test('keys that their owner makes without a security officer, as on CloudHSM, are as the bridge demands but for the trust, without which they wrap nothing', async () => {
  const request = { modulePath: token.modulePath, tokenDir: token.dir, label: token.label, userPin: token.userPin, domain: 'owned' };
  const faultsOf = (isTrustDemanded: 'yes' | 'no'): unknown => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, 'check-domain-keys.ts'), token.modulePath, token.label, token.userPin, 'owned', isTrustDemanded],
      { env: { ...process.env, SOFTHSM2_CONF: token.configurationPath }, encoding: 'utf8' },
    );
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };

  const made = await initialiseToken(request);
  const again = await initialiseToken(request);

  expect([made.created, again.created]).toEqual([['kek', 'mac', 'seed', 'audit'], []]);
  expect(again.auditPublicKey).toEqual(made.auditPublicKey);
  expect(faultsOf('yes')).toEqual(['chatelaine/owned/kek/1: TRUSTED is not true']);
  expect(faultsOf('no')).toEqual([expect.stringContaining('does not wrap')]);
});

test('ceremonies that are the first of a process, all at once, each make their token', async () => {
  const cacheDir = join(token.dir, 'cache');
  const directories = ['a', 'b', 'c', 'd'].map((name) => join(token.dir, name));

  const made = await Promise.all(directories.map((tokenDir) => initialiseToken({ ...token, tokenDir, cacheDir })));

  expect(made.map(({ created }) => created)).toEqual(directories.map(() => ['kek', 'mac', 'seed', 'audit']));
  expect(readdirSync(cacheDir)).toEqual([expect.stringMatching(/^ceremony-[0-9a-f]{16}$/)]);
});

test('an owner has no token made for him', async () => {
  const request = { modulePath: token.modulePath, tokenDir: token.dir, label: 'another', userPin: token.userPin };

  await expect(initialiseToken(request)).rejects.toThrow('no token with this label, and no security officer to make one');
});
