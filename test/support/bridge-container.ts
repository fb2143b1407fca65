/** The start script of the bridge's image as a process: the same files as in the image, on a SoftHSM token. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '#server/bridge/free-port.ts';
import type { TestToken } from './token.ts';

export interface BridgeContainer {
  readonly url: string;
  readonly healthUrl: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Everything that it wrote. */
  readonly output: () => string;
  /** Events of its log, in their order. */
  readonly events: () => string[];
  /** Resolves when the log has the event that often. */
  until(event: string, times?: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  exited(): Promise<number | null>;
  remove(): Promise<void>;
}

const program = resolve(import.meta.dirname, '../../hsm-bridge/image/start.ts');

export async function startContainer(token: TestToken, secretsEndpoint: string, changes: Readonly<Record<string, string>> = {}): Promise<BridgeContainer> {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-container-'));
  const [port, healthPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const environment: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    AWS_ENDPOINT_URL: secretsEndpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    CHATELAINE_DEPLOYMENT: 'default',
    CHATELAINE_HSM_PROFILE: 'softhsm2',
    CHATELAINE_PKCS11_MODULE: token.modulePath,
    CHATELAINE_TOKEN_LABEL: token.label,
    SOFTHSM2_CONF: token.configurationPath,
    CHATELAINE_BRIDGE_CERTIFICATE_SECRET: 'bridge',
    CHATELAINE_HSM_PIN_SECRET: 'pin',
    CHATELAINE_WORK_FOLDER: join(folder, 'run'),
    CHATELAINE_LISTEN_HOST: '127.0.0.1',
    CHATELAINE_BRIDGE_PORT: String(port),
    CHATELAINE_BRIDGE_HEALTH_PORT: String(healthPort),
    CHATELAINE_FAST_WORKERS: '1',
    CHATELAINE_SLOW_WORKERS: '1',
    CHATELAINE_DRAIN_DELAY_SECONDS: '0.2',
    CHATELAINE_REFRESH_SECONDS: '0.1',
    ...changes,
  };
  let output = '';
  const waiting = new Set<() => void>();
  const child: ChildProcess = spawn(process.execPath, [program], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of waiting) look();
    });
  const events = () => [...output.matchAll(/^\{"event":"([a-z-]+)"/gm)].map(([, event]) => event!);
  const ended = once(child, 'exit') as Promise<[number | null]>;

  return {
    url: `https://127.0.0.1:${port}`,
    healthUrl: `http://127.0.0.1:${healthPort}`,
    environment,
    output: () => output,
    events,
    until: (event, times = 1) =>
      new Promise((done, reject) => {
        const look = () => {
          if (events().filter((seen) => seen === event).length < times) return;
          waiting.delete(look);
          done();
        };
        waiting.add(look);
        look();
        void ended.then(([code]) => reject(new Error(`the container ended with ${code} before ${event}:\n${output}`)));
      }),
    signal: (signal) => void child.kill(signal),
    exited: async () => (await ended)[0],
    async remove() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
