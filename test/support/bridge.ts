/** A real bridge process on a real SoftHSM token, with certificates of its own authority. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BridgeClientOptions, createBridgeClient } from '#bridge/client/bridge-client.ts';
import type { BridgeConfigInput } from '#bridge/config.ts';
import { type CertificateAndKey, createAuthority, issue } from '#bridge/pki/certificates.ts';
import type { CallerClass } from '#shared/bridge-protocol.ts';
import { createTestToken, type TestToken } from './token.ts';

export type BridgeClient = ReturnType<typeof createBridgeClient>;

export interface TestBridge {
  readonly token: TestToken;
  readonly authority: CertificateAndKey;
  readonly url: string;
  readonly healthUrl: string;
  readonly pid: number;
  /** JSON lines that the bridge has printed. */
  readonly log: readonly Record<string, unknown>[];
  /** A client of a caller class; closed by `stop`. */
  client(callerClass?: CallerClass, options?: Partial<BridgeClientOptions>): Promise<BridgeClient>;
  /** What a client needs to connect, for a class: for raw connections and for servers that make their own client. */
  credentials(callerClass?: CallerClass): Promise<{ url: string; ca: string; cert: string; key: string }>;
  /** Ends the process as a crash would (SIGKILL). */
  kill(): Promise<void>;
  /** Asks it to drain (SIGTERM). @returns the exit code. */
  terminate(): Promise<number | null>;
  /** Starts it again on the same token and port. */
  restart(): Promise<void>;
  /** From now on it is started again whenever it ends, as the supervisor of the image and Amazon ECS do. @returns how often that was, so far */
  keepRunning(): () => number;
  /** Resolves with the exit code of the running process when it ends. */
  exited(): Promise<number | null>;
  /** Ends everything and removes the token. */
  stop(): Promise<void>;
}

export interface TestBridgeOptions {
  readonly config?: Partial<Omit<BridgeConfigInput, 'hsm' | 'tls'>>;
  readonly hsm?: Partial<BridgeConfigInput['hsm']>;
  readonly token?: TestToken;
  /** That of other bridges, which the same clients reach. */
  readonly authority?: CertificateAndKey;
  /** For the process, beside the test's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

const main = resolve(import.meta.dirname, '../../hsm-bridge/main.ts');
const startWithinMs = 30_000;
const restartPauseMs = 200;

export async function startTestBridge(options: TestBridgeOptions = {}): Promise<TestBridge> {
  const token = options.token ?? (await createTestToken());
  const dir = mkdtempSync(join(tmpdir(), 'chatelaine-bridge-'));
  const authority = options.authority ?? (await createAuthority());
  const server = await issue({ authority, kind: 'bridge', names: ['localhost', '127.0.0.1'] });
  const files = { 'ca.pem': authority.certificate, 'bridge.pem': server.certificate, 'bridge.key': server.key, 'pin.txt': token.userPin };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content, { mode: 0o600 });
  const configPath = join(dir, 'config.json');
  let port = 0;
  let healthPort = 0;
  let child: ChildProcess | undefined;
  const log: Record<string, unknown>[] = [];
  const clients: BridgeClient[] = [];

  const start = async () => {
    writeFileSync(configPath, JSON.stringify(bridgeConfig(token, options, port, healthPort)));
    child = spawn(process.execPath, [main, configPath], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.environment } });
    ({ port, healthPort } = await readReady(child, log));
  };
  const exited = async (): Promise<number | null> => {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return running?.exitCode ?? null;
    const [code] = (await once(running, 'exit')) as [number | null];
    return code;
  };
  let kept = false;
  let starts = 0;
  async function startAgain(): Promise<void> {
    for (;;) {
      await exited();
      if (!kept) return;
      await start().then(
        () => starts++,
        () => sleep(restartPauseMs),
      );
    }
  }
  const keepRunning = () => {
    if (!kept) void startAgain();
    kept = true;
    const before = starts;
    return () => starts - before;
  };
  const end = (signal: NodeJS.Signals) => {
    const done = exited();
    child?.kill(signal);
    return done;
  };
  const credentials = async (callerClass: CallerClass = 'admin') => {
    const { certificate: cert, key } = await issue({ authority, kind: 'client', callerClass });
    return { url: `https://127.0.0.1:${port}`, ca: authority.certificate, cert, key };
  };
  const stop = async () => {
    kept = false;
    for (const client of clients) client.close();
    await end('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
    token.remove();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    token,
    stop,
    authority,
    log,
    credentials,
    exited,
    keepRunning,
    get url() {
      return `https://127.0.0.1:${port}`;
    },
    get healthUrl() {
      return `http://127.0.0.1:${healthPort}`;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    async client(callerClass = 'admin', clientOptions = {}) {
      // A loaded machine may be slow; what a deadline does is tested with deadlines of its own.
      const client = createBridgeClient({ deadlineMs: 30_000, ...(await credentials(callerClass)), ...clientOptions });
      clients.push(client);
      return client;
    },
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
    async restart() {
      await end('SIGKILL');
      await start();
    },
  };
}

function bridgeConfig(token: TestToken, { config = {}, hsm = {} }: TestBridgeOptions, port: number, healthPort: number): BridgeConfigInput {
  return {
    domain: 'default',
    epoch: 1,
    ...config,
    // A restart takes the ports again that the first start got.
    listen: { port, healthPort, ...config.listen },
    hsm: {
      modulePath: token.modulePath,
      profile: 'softhsm2',
      tokenLabel: token.label,
      pinFile: 'pin.txt',
      ...hsm,
      environment: { SOFTHSM2_CONF: token.configurationPath, ...hsm.environment },
    },
    tls: { certificate: 'bridge.pem', key: 'bridge.key', clientAuthority: 'ca.pem' },
  };
}

/** @throws Error with what the process said, when it ends or stays silent instead of getting ready. */
function readReady(child: ChildProcess, log: Record<string, unknown>[]): Promise<{ port: number; healthPort: number }> {
  return new Promise((resolveReady, reject) => {
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const timer = setTimeout(() => reject(new Error(`the bridge did not start: ${errors}`)), startWithinMs);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the bridge ended with ${code}: ${errors}`));
    });
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry.event !== 'ready') return;
      clearTimeout(timer);
      resolveReady({ port: Number(entry.port), healthPort: Number(entry.healthPort) });
    });
  });
}
