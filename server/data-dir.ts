/** The data directory: everything that the single node writes. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DataDir {
  readonly path: string;
  readonly credentials: string;
  readonly principals: string;
  readonly metricsToken: string;
  readonly store: string;
  readonly auditFile: string;
  readonly alarmFile: string;
  readonly tokenDir: string;
  readonly tokenReady: string;
  readonly soPin: string;
  readonly userPin: string;
  readonly tlsDir: string;
  readonly bridgeConfig: string;
  readonly keyStores: string;
}

/** A server that was just told to stop gets this long to leave. */
const lockTimeoutMs = 3000;

export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

/** Makes the folders that are missing, for the owner only. */
export function openDataDir(path: string): DataDir {
  for (const folder of [path, join(path, 'audit')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  return {
    path,
    credentials: join(path, 'credentials'),
    principals: join(path, 'principals.json'),
    metricsToken: join(path, 'metrics-token'),
    store: join(path, 'chatelaine.db'),
    auditFile: join(path, 'audit', 'audit.jsonl'),
    alarmFile: join(path, 'alarms.jsonl'),
    tokenDir: join(path, 'hsm'),
    tokenReady: join(path, 'hsm', 'ready.json'),
    soPin: join(path, 'hsm', 'so-pin'),
    userPin: join(path, 'hsm', 'user-pin'),
    tlsDir: join(path, 'tls'),
    bridgeConfig: join(path, 'bridge.json'),
    keyStores: join(path, 'key-stores.json'),
  };
}

/**
 * One server per data directory. The lock is the operating system's on a SQLite file, so it ends with the process, however that ends.
 * @returns a function that gives the lock back
 * @throws DataDirInUse
 */
export function lockDataDir({ path }: DataDir): () => void {
  const database = new DatabaseSync(join(path, 'server.lock'), { timeout: lockTimeoutMs });
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === 5)
      throw new DataDirInUse(`Another server is using ${path}. Stop it, or set CHATELAINE_DATA to another directory.`, { cause: error });
    throw error;
  }
  return () => database.close();
}
