/** A child process that writes to a SQLite store until it is killed, and prints the number of each write once it was acknowledged. Arguments: path, name. */
import { writeSync } from 'node:fs';
import { createSqliteStore } from '#server/sqlite-store.ts';
import { TransactionCancelled } from '#shared/ports/record-store.ts';

const [path, name] = process.argv.slice(2) as [string, string];
const store = createSqliteStore({ path });
const counter = { table: 'core', pk: 'COUNTER', sk: 'META' } as const;

for (let number = 1; ; number++) {
  const sk = `${name}#${String(number).padStart(6, '0')}`;
  await store.transact([
    { put: { table: 'core', pk: 'WRITTEN', sk, rev: 1, body: { number, filler: 'x'.repeat(2000) }, index: { list: { pk: 'LIST', sk } } }, if: { absent: true } },
    { put: { table: 'ops', pk: 'WRITTEN', sk, rev: 1, body: { number } } },
  ]);
  await increment();
  // Synchronous, so that what was acknowledged is also printed before the kill.
  writeSync(1, `${number}\n`);
}

async function increment(): Promise<void> {
  for (;;) {
    const found = (await store.getMany([counter]))[0];
    const count = (found?.body.count as number | undefined) ?? 0;
    try {
      await store.transact([{ put: { ...counter, rev: count + 1, body: { count: count + 1 } }, if: found === undefined ? { absent: true } : { rev: found.rev } }]);
      return;
    } catch (error) {
      if (!(error instanceof TransactionCancelled)) throw error;
    }
  }
}
