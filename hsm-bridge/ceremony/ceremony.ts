/**
 * The key ceremony: makes a SoftHSM token ready for the bridge. The C part is compiled on first use, with the PKCS #11 headers that pkcs11js ships, so only a
 * C compiler is needed. On CloudHSM the task that administers the HSM runs the same C part (lambdas/cloudhsm/domain-key-ceremony.ts).
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { ecPublicKeyInfo } from '../der.ts';

export interface CeremonyRequest {
  readonly modulePath: string;
  /** Holds softhsm2.conf and the token files. Made when missing. */
  readonly tokenDir: string;
  /** At most 32 bytes. */
  readonly label: string;
  /** Without it the user makes the keys on a token that is there already, as on CloudHSM. Nobody has trusted the KEK then. */
  readonly soPin?: string | undefined;
  readonly userPin: string;
  readonly domain?: string;
  /** From 1. */
  readonly epoch?: number;
  /** Where the compiled tool is kept. */
  readonly cacheDir?: string;
}

export interface CeremonyResult {
  /** For SOFTHSM2_CONF. */
  readonly configurationPath: string;
  /** Purposes whose key was made now; empty when the token was ready. */
  readonly created: readonly string[];
  /** DER SubjectPublicKeyInfo of the audit key of this epoch, for offline verification. */
  readonly auditPublicKey: Uint8Array;
}

const timeoutMs = 120_000;
const sourcePath = join(import.meta.dirname, 'ceremony.c');
const defaultCacheDir = resolve(import.meta.dirname, '../../.cache');
const p384OidDer = '06052b81040022';

/** Makes the token directory, initialises the token and creates the domain keys of the epoch, as far as each is missing. */
export async function initialiseToken(request: CeremonyRequest): Promise<CeremonyResult> {
  if (!existsSync(request.modulePath)) throw new Error(`SoftHSM is not installed: ${request.modulePath} does not exist. Install it (Debian and Ubuntu: apt-get install softhsm2).`);
  const tool = await compileTool(request.cacheDir ?? defaultCacheDir);
  const configurationPath = await writeTokenConfiguration(request.tokenDir);
  const values = {
    module: request.modulePath,
    label: request.label,
    domain: request.domain ?? 'default',
    epoch: String(request.epoch ?? 1),
    ...(request.soPin === undefined ? {} : { soPin: request.soPin }),
    userPin: request.userPin,
  };
  const lines = Object.entries(values).map(([name, value]) => {
    if (/[\r\n]/.test(value)) throw new Error(`${name} must be one line`);
    return `${name}=${value}\n`;
  });
  const output = await run(tool, [], { SOFTHSM2_CONF: configurationPath }, lines.join(''));
  const rows = output
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const point = rows.find(([purpose]) => purpose === 'audit')?.[2];
  if (point === undefined) throw new Error('the ceremony tool did not report the audit key');
  return {
    configurationPath,
    created: rows.filter(([, state]) => state === 'created').map(([purpose]) => purpose ?? ''),
    auditPublicKey: ecPublicKeyInfo(p384OidDer, Buffer.from(point, 'hex')),
  };
}

/** SoftHSM's configuration names its token folder by absolute path, so a copied token directory needs it written again. */
export async function writeTokenConfiguration(tokenDir: string): Promise<string> {
  const tokens = join(resolve(tokenDir), 'tokens');
  await mkdir(tokens, { recursive: true, mode: 0o700 });
  const path = join(resolve(tokenDir), 'softhsm2.conf');
  await writeFile(path, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n`, { mode: 0o600 });
  return path;
}

async function compileTool(cacheDir: string): Promise<string> {
  const source = await readFile(sourcePath);
  const path = join(cacheDir, `ceremony-${createHash('sha256').update(source).digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;
  await mkdir(cacheDir, { recursive: true });
  const includes = join(dirname(createRequire(import.meta.url).resolve('pkcs11js/package.json')), 'includes');
  // Never a name that another ceremony, of this process or another one, compiles to as well: a tool that is still written to cannot be run (ETXTBSY).
  const unfinished = `${path}.${randomUUID()}`;
  await run(process.env.CC ?? 'cc', ['-O2', '-o', unfinished, '-I', includes, sourcePath, '-ldl'], {}, '');
  await rename(unfinished, path);
  return path;
}

function run(command: string, args: readonly string[], environment: Record<string, string>, input: string): Promise<string> {
  return new Promise((resolveOutput, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', (cause) => reject(new Error(`cannot run ${command}; the key ceremony needs a C compiler (Debian and Ubuntu: apt-get install build-essential)`, { cause })));
    child.on('close', (code) => (code === 0 ? resolveOutput(output) : reject(new Error(`${command} ended with ${code}: ${errors.trim()}`))));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
