/** Configures the bridge of the single node and puts it under supervision. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { DataDir } from '../data-dir.ts';
import type { LogLine } from '../log.ts';
import type { Settings } from '../settings.ts';
import { prepareCertificates } from '../setup/prepare-certificates.ts';
import { prepareToken } from '../setup/prepare-token.ts';
import { findSoftHsm } from '../setup/softhsm.ts';
import { writeFileDurably } from '../write-file-durably.ts';
import { type BridgeSupervisor, superviseBridge } from './bridge-supervisor.ts';
import { freePort } from './free-port.ts';

export interface RunningBridge {
  readonly supervisor: BridgeSupervisor;
  /** What a client needs to connect, PEM texts. */
  readonly connection: { readonly url: string; readonly ca: string; readonly cert: string; readonly key: string };
}

const host = '127.0.0.1';
const bridgeMain = resolve(import.meta.dirname, '../../hsm-bridge/main.ts');
const preload = resolve(import.meta.dirname, 'exit-with-parent.ts');

/** @throws Error that says what to do, when the first-start set-up cannot be done */
export async function startBridge(settings: Settings, data: DataDir, log: (line: LogLine) => void): Promise<RunningBridge> {
  const modulePath = findSoftHsm(settings.pkcs11Module);
  const token = await prepareToken(data, modulePath);
  const certificates = await prepareCertificates(data);
  const port = await freePort(host);
  const config = {
    hsm: { modulePath, profile: 'softhsm2', tokenLabel: token.tokenLabel, pinFile: data.userPin, environment: { SOFTHSM2_CONF: token.configurationPath } },
    domain: token.domain,
    epoch: token.epoch,
    tls: { ...certificates.bridge, clientAuthority: certificates.authority },
    listen: { host, port, healthPort: 0 },
    workers: { fast: settings.bridgeWorkers, slow: 1 },
    metrics: { deployment: 'single-node', everySeconds: settings.metricsSeconds },
  };
  writeFileDurably(data.bridgeConfig, `${JSON.stringify(config, undefined, 2)}\n`, 0o600);
  const supervisor = superviseBridge({
    command: process.execPath,
    args: ['--import', preload, bridgeMain, data.bridgeConfig],
    environment: { ...process.env, UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism())) },
    log,
  });
  const read = (path: string): string => readFileSync(path, 'utf8');
  return {
    supervisor,
    connection: { url: `https://${host}:${port}`, ca: read(certificates.authority), cert: read(certificates.client.certificate), key: read(certificates.client.key) },
  };
}
