/**
 * The tables of the single-node database file. One table per record table; the two secondary indexes are SQLite indexes, so they change
 * in the same transaction as the row by themselves.
 */
import type { DatabaseSync } from 'node:sqlite';
import { indexNames, type TableName, tableNames } from '#shared/ports/record-store.ts';

/** Raise by one, and add a step to `migrate`, with each change of the tables. */
export const schemaVersion = 1;
/** Marks the file as ours ("CHAT"). */
const applicationId = 0x43484154;

export const physicalTables: Readonly<Record<TableName, string>> = { core: 'core_item', material: 'material_item', ops: 'ops_item' };

/** Brings the file to this version's tables. Two processes may do it at once: the second finds the work done. */
export function migrate(db: DatabaseSync, path: string): void {
  if (readVersion(db, path) === schemaVersion) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    if (readVersion(db, path) === 0) {
      for (const statement of firstTables()) db.exec(statement);
      db.exec(`PRAGMA application_id = ${applicationId}`);
      db.exec(`PRAGMA user_version = ${schemaVersion}`);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function readVersion(db: DatabaseSync, path: string): number {
  const version = pragma(db, 'user_version');
  const owner = pragma(db, 'application_id');
  if (version > schemaVersion && owner === applicationId)
    throw new Error(`${path} was written by a newer version of Chatelaine (schema ${version}; this version knows up to ${schemaVersion}). Start that version, or one after it.`);
  const foreign = owner !== applicationId && (owner !== 0 || version !== 0 || pragma(db, 'schema_version') !== 0);
  if (foreign) throw new Error(`${path} is a SQLite database of another program.`);
  return version;
}

function pragma(db: DatabaseSync, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get();
  return Number(row?.[name] ?? 0);
}

function firstTables(): string[] {
  const statements = ['CREATE TABLE transaction_token (token TEXT PRIMARY KEY, digest TEXT NOT NULL, used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID'];
  statements.push('CREATE INDEX transaction_token_used_at ON transaction_token (used_at)');
  for (const table of tableNames) {
    const name = physicalTables[table];
    const indexColumns = indexNames.map((index) => `${index}_pk TEXT, ${index}_sk TEXT`).join(', ');
    statements.push(
      `CREATE TABLE ${name} (pk TEXT NOT NULL, sk TEXT NOT NULL, rev INTEGER NOT NULL, body TEXT NOT NULL, seal TEXT, ${indexColumns}, expires_at INTEGER, PRIMARY KEY (pk, sk)) STRICT`,
    );
    for (const index of indexNames) statements.push(`CREATE INDEX ${name}_${index} ON ${name} (${index}_pk, ${index}_sk) WHERE ${index}_pk IS NOT NULL`);
    statements.push(`CREATE INDEX ${name}_expires_at ON ${name} (expires_at) WHERE expires_at IS NOT NULL`);
  }
  return statements;
}
