/** The real single-node server as a process: on a free port, a data directory of its own and a copy of the ready test token. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Principal } from '#server/identity/principal.ts';
import type { LedgerCall } from './ledger.ts';
import { type SigningRequest, signRequest } from './sign-request.ts';
import { createTestToken } from './token.ts';

export type TestCredentials = Pick<Principal, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>;

export interface TestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; an empty body is `{}`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export interface TestServer {
  readonly endpoint: string;
  readonly port: number;
  readonly dataDir: string;
  readonly credentialsFile: string;
  /** The administrator. */
  readonly credentials: TestCredentials;
  readonly pid: number;
  /** JSON lines of standard output, over all starts. */
  readonly log: readonly Record<string, unknown>[];
  /** Standard output and error as they came, over all starts. */
  readonly output: string;
  /** A call over the AWS JSON protocol, as the administrator unless told otherwise. */
  call(operation: string, input?: unknown, options?: Omit<SigningRequest, 'body' | 'method'>): Promise<TestAnswer>;
  /** A signed request of any shape. */
  send(request: SigningRequest): Promise<TestAnswer>;
  health(): Promise<TestAnswer>;
  writePrincipals(content: unknown): void;
  auditRecords(): readonly Record<string, unknown>[];
  /** The bridge that runs now. */
  bridgePid(): number;
  /** Asks it to stop (SIGTERM). @returns the exit code */
  stop(): Promise<number | null>;
  /** Ends it as a crash would. */
  kill9(): Promise<void>;
  /** Starts it again on the same data; the port may change. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
  exited(): Promise<number | null>;
  /** Ends it, however it is, and removes its data. */
  remove(): Promise<void>;
}

export interface TestServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Use it as it is instead of a new one with a ready token; `remove` leaves it. */
  readonly dataDir?: string;
}

const main = resolve(import.meta.dirname, '../../server/main.ts');
const startWithinMs = 60_000;

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await createDataDir());
  const log: Record<string, unknown>[] = [];
  let output = '';
  let child!: ChildProcess;
  let ready!: Record<string, unknown>;

  const start = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    child = spawn(process.execPath, [main], {
      env: { ...process.env, CHATELAINE_DATA: dataDir, CHATELAINE_PORT: '0', ...options.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const keep = (text: string): void => {
      output += text;
    };
    child.stdout!.setEncoding('utf8').on('data', keep);
    child.stderr!.setEncoding('utf8').on('data', keep);
    ready = await readReady(child, log, () => output);
  };
  const exited = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return exited();
  };
  const endpoint = (): string => String(ready.endpoint);
  const credentials = (): TestCredentials => readCredentials(join(dataDir, 'credentials'));
  const send = async (request: SigningRequest): Promise<TestAnswer> => {
    const host = endpoint().replace('http://', '');
    const signed = await signRequest({ principal: credentials(), host, ...request });
    return exchange(endpoint(), { method: signed.method, path: signed.path + (signed.query === '' ? '' : `?${signed.query}`), headers: signed.headers, body: signed.body });
  };

  await start();
  return {
    dataDir,
    log,
    send,
    exited,
    credentialsFile: join(dataDir, 'credentials'),
    get endpoint() {
      return endpoint();
    },
    get port() {
      return Number(new URL(endpoint()).port);
    },
    get credentials() {
      return credentials();
    },
    get pid() {
      return child.pid!;
    },
    get output() {
      return output;
    },
    call: (operation, input = {}, { headers, ...request } = {}) =>
      send({ ...request, method: 'POST', headers: { 'x-amz-target': `TrentService.${operation}`, ...headers }, body: JSON.stringify(input) }),
    health: () => exchange(endpoint(), { method: 'GET', path: '/health', headers: {}, body: new Uint8Array() }),
    writePrincipals: (content) => writeFileSync(join(dataDir, 'principals.json'), typeof content === 'string' ? content : JSON.stringify(content)),
    auditRecords: () =>
      readFileSync(join(dataDir, 'audit', 'audit.jsonl'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    bridgePid: () => Number(log.findLast((line) => line.component === 'bridge' && line.event === 'ready')?.pid),
    stop: () => end('SIGTERM'),
    kill9: async () => void (await end('SIGKILL')),
    restart: async (env) => {
      await end('SIGKILL');
      await start(env);
    },
    async remove() {
      await end('SIGKILL');
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The administrator's calls, for a ledger. */
export const ledgerCall =
  (server: TestServer): LedgerCall =>
  async (operation, input) => {
    const { status, headers, body } = await server.call(operation, input);
    return { status, requestId: String(headers['x-amzn-requestid']), body };
  };

/** A data directory as after a first start's ceremony, which would cost a second. */
export async function createDataDir(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'chatelaine-server-'));
  const token = await createTestToken(dataDir);
  const tokenDir = join(dataDir, 'hsm');
  renameSync(token.dir, tokenDir);
  mkdirSync(tokenDir, { recursive: true });
  writeFileSync(join(tokenDir, 'so-pin'), token.soPin, { mode: 0o600 });
  writeFileSync(join(tokenDir, 'user-pin'), token.userPin, { mode: 0o600 });
  writeFileSync(join(tokenDir, 'ready.json'), JSON.stringify({ tokenLabel: token.label, domain: 'default', epoch: 1, auditPublicKey: token.auditPublicKey.toString('base64') }));
  return dataDir;
}

/** @throws Error with what the process said, when it ends or stays silent instead of getting ready */
function readReady(child: ChildProcess, log: Record<string, unknown>[], output: () => string): Promise<Record<string, unknown>> {
  return new Promise((resolveReady, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server did not get ready:\n${output()}`)), startWithinMs);
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code}:\n${output()}`));
    });
    createInterface({ input: child.stdout! }).on('line', (text) => {
      if (!text.startsWith('{')) return;
      const line = JSON.parse(text) as Record<string, unknown>;
      log.push(line);
      if (line.event !== 'ready' || line.component === 'bridge') return;
      clearTimeout(timer);
      resolveReady(line);
    });
  });
}

function readCredentials(path: string): TestCredentials {
  const text = readFileSync(path, 'utf8');
  const value = (name: string): string => new RegExp(`^${name} = (.+)$`, 'm').exec(text)![1]!;
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
}

export interface TestExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One HTTP exchange on a connection of its own, signed or not. */
export function exchange(endpoint: string, { method, path, headers, body }: TestExchange): Promise<TestAnswer> {
  return new Promise((resolveAnswer, reject) => {
    const { hostname, port } = new URL(endpoint);
    const length = body.length > 0 ? { 'content-length': String(body.length) } : {};
    const request = httpRequest({ hostname, port, method, path, headers: { ...headers, ...length }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolveAnswer({
          status: response.statusCode!,
          headers: response.headers,
          text,
          get body() {
            return text === '' ? {} : JSON.parse(text);
          },
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
