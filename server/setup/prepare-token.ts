/** The HSM token of the single node: PINs and the key ceremony at the first start, nothing but a look at two files later. */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DataDir } from '../data-dir.ts';
import { writeFileDurably } from '../write-file-durably.ts';

export interface PreparedToken {
  /** For SOFTHSM2_CONF. */
  readonly configurationPath: string;
  readonly tokenLabel: string;
  readonly domain: string;
  readonly epoch: number;
}

const newToken = { tokenLabel: 'chatelaine', domain: 'default', epoch: 1 } as const;

/** @throws Error when keys were stored under a token whose PINs are gone: a new token could not open them */
export async function prepareToken(data: DataDir, modulePath: string): Promise<PreparedToken> {
  const configurationPath = join(data.tokenDir, 'softhsm2.conf');
  if (existsSync(data.tokenReady)) {
    // SoftHSM's configuration holds the absolute path of the token: a moved data directory needs it written again.
    const current = existsSync(configurationPath) && readFileSync(configurationPath, 'utf8').includes(`${resolve(data.tokenDir)}/`);
    if (!current) await (await import('#bridge/ceremony/ceremony.ts')).writeTokenConfiguration(data.tokenDir);
    const { tokenLabel, domain, epoch } = JSON.parse(readFileSync(data.tokenReady, 'utf8')) as Omit<PreparedToken, 'configurationPath'>;
    return { configurationPath, tokenLabel, domain, epoch };
  }
  if (existsSync(data.store)) {
    throw new Error(
      `${data.store} holds keys, but ${data.tokenReady} is missing: the token that protects them is not there. Restore ${data.tokenDir} from a backup, or remove the data directory to begin anew.`,
    );
  }
  mkdirSync(data.tokenDir, { recursive: true, mode: 0o700 });
  const { initialiseToken } = await import('#bridge/ceremony/ceremony.ts');
  const result = await initialiseToken({
    modulePath,
    tokenDir: data.tokenDir,
    label: newToken.tokenLabel,
    soPin: openPin(data.soPin),
    userPin: openPin(data.userPin),
    domain: newToken.domain,
    epoch: newToken.epoch,
  });
  const ready = { ...newToken, auditPublicKey: Buffer.from(result.auditPublicKey).toString('base64') };
  writeFileDurably(data.tokenReady, `${JSON.stringify(ready, undefined, 2)}\n`, 0o600);
  return { configurationPath: result.configurationPath, ...newToken };
}

/** Written before the token is made, so that an interrupted ceremony goes on with the same PINs. */
function openPin(path: string): string {
  if (!existsSync(path)) writeFileDurably(path, randomBytes(16).toString('hex'), 0o600);
  return readFileSync(path, 'utf8').trim();
}
