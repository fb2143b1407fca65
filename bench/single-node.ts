/** A single node of its own for a section: the real server and its bridge, on a new data folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

export interface SingleNode {
  readonly endpoint: URL;
  readonly credentials: { accessKeyId: string; secretAccessKey: string };
  /** Spent so far by the server, its bridge and this load generator, in milliseconds: it says more than op/s where other work shares the cores. Linux only. */
  cpuMs(): number;
}

export async function withSingleNode(run: (node: SingleNode) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'chatelaine-bench-'));
  const server = spawn(process.execPath, [resolve(import.meta.dirname, '../server/main.ts')], {
    env: { ...process.env, CHATELAINE_PORT: '0', CHATELAINE_DATA: dataDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const endpoint = new URL(await readyEndpoint(server));
    const credentials = readCredentials(join(dataDir, 'credentials'));
    await run({ endpoint, credentials, cpuMs: () => cpuMsOf(server.pid!) + ownCpuMs() });
  } finally {
    server.kill('SIGTERM');
    await Promise.race([once(server, 'exit'), new Promise((done) => setTimeout(done, 15_000).unref())]);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The server's JSON ready line; everything after it is its request log, which is dropped unread, so that it costs the load generator nothing. */
async function readyEndpoint(server: ChildProcess): Promise<string> {
  const lines = createInterface({ input: server.stdout! });
  return new Promise((found, failed) => {
    server.once('exit', (code) => failed(new Error(`the server ended with ${code} before it was ready`)));
    lines.on('line', (line) => {
      if (!line.startsWith('{"event":"ready"')) return;
      const { endpoint } = JSON.parse(line) as { endpoint?: string };
      if (endpoint === undefined) return;
      lines.close();
      server.stdout!.removeAllListeners('data').resume();
      found(endpoint);
    });
  });
}

function readCredentials(path: string): { accessKeyId: string; secretAccessKey: string } {
  const text = readFileSync(path, 'utf8');
  const value = (name: string) => new RegExp(`^${name} *= *(.+)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Of a process and its children, by proc_pid_stat(5): utime and stime are the 14th and 15th field, in hundredths of a second. */
function cpuMsOf(pid: number): number {
  const [, utime = 0, stime = 0] = /^\d+ \(.*\) (?:\S+ ){11}(\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.map(Number) ?? [];
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
  return (utime + stime) * 10 + children.reduce((sum, child) => sum + cpuMsOf(child), 0);
}
