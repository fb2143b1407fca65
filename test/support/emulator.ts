/**
 * The AWS emulator of the tests: MiniStack, from the pinned Python environment, on a free port of 127.0.0.1. It starts in under a second, so each
 * test file that needs one starts its own. CHATELAINE_TEST_ENDPOINT names a LocalStack-compatible endpoint to use instead.
 * An emulator that cannot be had is a failure and never a reason to skip.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Emulator {
  readonly endpoint: string;
  readonly region: string;
  readonly accountId: string;
  /** Signs as the account's root. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The last lines that the emulator wrote, for the message of a failing test. Empty for an endpoint that we did not start. */
  log(): string;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** Evaluate IAM policies, of callers and of Lambda roles (MiniStack's AUTH=true). */
  readonly enforceIam?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, '../..');
const region = 'us-east-1';
const accountId = '000000000000';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const startTimeoutMs = 30_000;
const stopTimeoutMs = 3_000;
const portAttempts = 3;

/** Starts an emulator, or takes the one that CHATELAINE_TEST_ENDPOINT names. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const given = process.env.CHATELAINE_TEST_ENDPOINT;
  if (given) return useEndpoint(given.replace(/\/+$/, ''));
  const python = await ensurePython();
  let failure: unknown;
  for (let attempt = 0; attempt < portAttempts; attempt++) {
    try {
      return await startMiniStack(python, await freePort(), options);
    } catch (error) {
      // Another process may have taken the port between our look and the emulator's.
      failure = error;
      if (!String(error).includes('ddress already in use')) break;
    }
  }
  throw failure;
}

async function useEndpoint(endpoint: string): Promise<Emulator> {
  const deadline = performance.now() + startTimeoutMs;
  if (!(await isHealthy(endpoint, deadline, () => true))) throw new Error(`CHATELAINE_TEST_ENDPOINT is ${endpoint}, but nothing there answers /_localstack/health.`);
  return { endpoint, region, accountId, credentials, log: () => '', stop: async () => {} };
}

/** Makes the Python environment when the bootstrap has not, so that one test file also runs by itself. */
async function ensurePython(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'scripts/python-venv.mjs')]);
    return stdout.trim();
  } catch (error) {
    throw new Error(`The AWS emulator of the tests is not there.\n${(error as { stderr?: string }).stderr ?? String(error)}`, { cause: error });
  }
}

async function startMiniStack(python: string, port: number, options: EmulatorOptions): Promise<Emulator> {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-emulator-'));
  const logFile = join(folder, 'emulator.log');
  const output = openSync(logFile, 'a');
  // A process group of its own, so that its Lambda workers end with it.
  const child = spawn(python, ['-m', 'ministack'], { cwd: folder, env: environment(folder, port, options), stdio: ['ignore', output, output], detached: true });
  closeSync(output);
  child.on('error', () => {});
  const killGroup = () => kill(child, 'SIGKILL');
  process.once('exit', killGroup);
  const log = () => tail(logFile);
  const stop = async () => {
    await end(child);
    process.off('exit', killGroup);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  if (!(await isHealthy(endpoint, performance.now() + startTimeoutMs, () => isRunning(child)))) {
    const said = log();
    await stop();
    throw new Error(`The AWS emulator did not start. It said:\n${said}`);
  }
  return { endpoint, region, accountId, credentials, log, stop };
}

/** Only what is named here: whatever the emulator has in its environment, every emulated Lambda function has too. */
function environment(folder: string, port: number, options: EmulatorOptions): NodeJS.ProcessEnv {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  return {
    // Emulated functions run with the `node` that is first on the PATH, whatever their runtime says.
    PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    // The handlers that the CDK brings along expect the AWS SDK of the Lambda runtime.
    NODE_PATH: join(root, 'node_modules'),
    HOME: folder,
    TMPDIR: temporary,
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    MINISTACK_HOST: '127.0.0.1',
    MINISTACK_REGION: region,
    MINISTACK_ACCOUNT_ID: accountId,
    STATE_DIR: join(folder, 'state'),
    S3_DATA_DIR: join(folder, 's3'),
    // These two would listen on every interface.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    LAMBDA_EXECUTOR: 'local',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
    AUTH: String(options.enforceIam ?? false),
    ...options.environment,
  };
}

async function isHealthy(endpoint: string, deadline: number, isAlive: () => boolean): Promise<boolean> {
  while (isAlive() && performance.now() < deadline) {
    try {
      const response = await fetch(`${endpoint}/_localstack/health`, { signal: AbortSignal.timeout(2000) });
      await response.arrayBuffer();
      if (response.ok) return true;
    } catch {
      // Not yet listening.
    }
    await sleep(50);
  }
  return false;
}

async function end(child: ChildProcess): Promise<void> {
  if (isRunning(child)) {
    const ended = once(child, 'exit');
    kill(child, 'SIGTERM');
    // A hung custom resource makes the emulator deaf to SIGTERM.
    await Promise.race([ended, sleep(stopTimeoutMs, undefined, { ref: false })]);
  }
  kill(child, 'SIGKILL');
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function kill(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended.
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port was found.');
  return address.port;
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-40).join('\n');
  } catch {
    return '';
  }
}
