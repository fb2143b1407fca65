/**
 * The first process of the container. Fetches certificates and the PIN by the names in its environment, writes what the bridge and the HSM's client read,
 * runs the bridge, and keeps the certificates current. No secret is on a command line, in the log or, but for the bridge's TLS key, in a file.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exitCodes } from '../exit-codes.ts';
import type { ServerCertificates } from '../server/certificate-files.ts';
import { createContainerSecrets, SecretUnusable } from './container-secrets.ts';
import { bridgeConfigOf, type ContainerSettings, fileNames, pinVariable, readSettings, SettingsInvalid } from './settings.ts';
import { Supervisor } from './supervisor.ts';

const log = (entry: Readonly<Record<string, unknown>>): void => void process.stdout.write(`${JSON.stringify({ ...entry, time: new Date().toISOString() })}\n`);
const bridgeProgram = resolve(import.meta.dirname, '../main.ts');
const secrets = createContainerSecrets();

async function start(settings: ContainerSettings): Promise<void> {
  const folder = settings.CHATELAINE_WORK_FOLDER;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const read = () => secrets.certificates(settings.CHATELAINE_BRIDGE_CERTIFICATE_SECRET);
  let certificates = await read();
  const pin = await secrets.pin(settings.CHATELAINE_HSM_PIN_SECRET);
  write(folder, fileNames.config, JSON.stringify(bridgeConfigOf(settings)));
  writeCertificates(folder, certificates);
  if (settings.CHATELAINE_HSM_PROFILE === 'cloudhsm') await configureCloudHsm(settings);

  const supervisor = new Supervisor({
    command: [process.execPath, bridgeProgram, join(folder, fileNames.config)],
    // Not what this process may do in AWS: the bridge has no business there.
    environment: () => ({ PATH: process.env.PATH ?? '', [pinVariable]: pin }),
    livezUrl: `http://127.0.0.1:${settings.CHATELAINE_BRIDGE_HEALTH_PORT}/livez`,
    drainDelayMs: settings.CHATELAINE_DRAIN_DELAY_SECONDS * 1000,
    waitingFile: join(folder, fileNames.waiting),
    log,
    onEnd: (code) => process.exit(code),
  });
  supervisor.start();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => supervisor.stop());

  setInterval(async () => {
    try {
      const next = await read();
      if (next.certificate === certificates.certificate && next.clientAuthority === certificates.clientAuthority) return;
      certificates = next;
      writeCertificates(folder, next);
      supervisor.certificatesReplaced();
    } catch (error) {
      log({ event: 'certificates-not-refreshed', message: error instanceof SecretUnusable ? error.message : 'cannot be written' });
    }
  }, settings.CHATELAINE_REFRESH_SECONDS * 1000);
}

/** The client asks for the addresses of the HSMs itself, so that a replaced HSM is found (CloudHSM user guide, "Bootstrap the Client SDK"). */
async function configureCloudHsm(settings: ContainerSettings): Promise<void> {
  const { CHATELAINE_CLOUDHSM_FOLDER: folder, CHATELAINE_HSM_CLUSTER_ID: cluster = '', CHATELAINE_HSM_TRUST_ANCHOR_SECRET: anchor = '', AWS_REGION: region = '' } = settings;
  write(join(folder, 'etc'), 'customerCA.crt', await secrets.text(anchor));
  const few = settings.CHATELAINE_HSM_FEW === undefined ? [] : ['--disable-key-availability-check'];
  const args = ['--cluster-id', cluster, '--region', region, '--hsm-ca-cert', join(folder, 'etc/customerCA.crt'), ...few];
  execFileSync(join(folder, 'bin/configure-pkcs11'), args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 60_000 });
}

function writeCertificates(folder: string, { certificate, key, clientAuthority }: ServerCertificates): void {
  write(folder, fileNames.certificate, certificate);
  write(folder, fileNames.key, key);
  write(folder, fileNames.clientAuthority, clientAuthority);
}

/** Whole or not at all, for the owner only. */
function write(folder: string, name: string, content: string): void {
  const unfinished = join(folder, `${name}.unfinished`);
  writeFileSync(unfinished, content, { mode: 0o600 });
  chmodSync(unfinished, 0o600);
  renameSync(unfinished, join(folder, name));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof SettingsInvalid) return exitCodes.configInvalid;
  if (error instanceof SecretUnusable) return exitCodes.secretUnusable;
  return exitCodes.fault;
}

try {
  await start(readSettings(process.env));
} catch (error) {
  const known = error instanceof SettingsInvalid || error instanceof SecretUnusable;
  log({ event: 'refused', message: known ? error.message : error instanceof Error ? error.name : 'unknown' });
  process.exit(exitCodeOf(error));
}
