/** SoftHSM tokens for tests, made by the product's own key ceremony. Absent SoftHSM is a failure, never a skip. */

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { initialiseToken, writeTokenConfiguration } from '#bridge/ceremony/ceremony.ts';
import { findSoftHsm } from '#server/setup/softhsm.ts';

export interface TestToken {
  /** Holds softhsm2.conf and tokens/. */
  readonly dir: string;
  readonly configurationPath: string;
  readonly modulePath: string;
  readonly label: string;
  readonly soPin: string;
  readonly userPin: string;
  /** DER SubjectPublicKeyInfo. */
  readonly auditPublicKey: Buffer;
  remove(): void;
}

/** Where the server finds it too. @throws Error when it is not there: a test without an HSM has failed */
export const softhsmPath = findSoftHsm(process.env.CHATELAINE_PKCS11_MODULE || undefined);

const label = 'chatelaine-test';
const soPin = 'so-pin-12345678';
const userPin = 'user-pin-123456';
const cacheDir = resolve(import.meta.dirname, '../../.cache');

/** A fresh copy of a ready token. @param parent where to make it; a temporary directory by default. */
export async function createTestToken(parent = tmpdir()): Promise<TestToken> {
  const template = await templateToken();
  const dir = mkdtempSync(join(parent, 'chatelaine-token-'));
  cpSync(template, dir, { recursive: true });
  const configurationPath = await writeTokenConfiguration(dir);
  return {
    dir,
    configurationPath,
    modulePath: softhsmPath,
    label,
    soPin,
    userPin,
    auditPublicKey: readFileSync(join(dir, 'audit-public-key.der')),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A token with keys of its own, that no other test token has. */
export async function createOwnToken(): Promise<TestToken> {
  const dir = mkdtempSync(join(tmpdir(), 'chatelaine-own-token-'));
  const { auditPublicKey, configurationPath } = await initialiseToken({ modulePath: softhsmPath, tokenDir: dir, label, soPin, userPin });
  return {
    dir,
    configurationPath,
    modulePath: softhsmPath,
    label,
    soPin,
    userPin,
    auditPublicKey: Buffer.from(auditPublicKey),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Made once per version of the ceremony, copied for every test: a ceremony costs a second, a copy a millisecond. */
async function templateToken(): Promise<string> {
  const ceremony = resolve(import.meta.dirname, '../../hsm-bridge/ceremony');
  const version = createHash('sha256')
    .update(readFileSync(join(ceremony, 'ceremony.c')))
    .update(readFileSync(join(ceremony, 'ceremony.ts')));
  const template = join(cacheDir, `test-token-${version.digest('hex').slice(0, 16)}`);
  if (existsSync(template)) return template;
  mkdirSync(cacheDir, { recursive: true });
  const unfinished = mkdtempSync(`${template}-`);
  const { auditPublicKey } = await initialiseToken({ modulePath: softhsmPath, tokenDir: unfinished, label, soPin, userPin });
  writeFileSync(join(unfinished, 'audit-public-key.der'), auditPublicKey);
  try {
    renameSync(unfinished, template);
  } catch (error) {
    // Another test process was faster; its token is as good.
    if (!existsSync(template)) throw error;
    rmSync(unfinished, { recursive: true, force: true });
  }
  return template;
}
