/** Puts a key into a state that this version cannot reach through its API, by a properly sealed row. */
import type { KeyRecord, KeyState } from '#shared/keys/key-record.ts';
import { updateKey } from '#shared/repositories/changes.ts';
import { readKeyRecord } from '#shared/repositories/records.ts';
import { keyRow } from '#shared/repositories/rows.ts';
import { sealWrites } from '#shared/repositories/seal.ts';
import type { InProcess } from './in-process.ts';
import { alice } from './in-process.ts';

export async function readKey(app: InProcess, keyId: string): Promise<{ record: KeyRecord; rev: number }> {
  const [item] = await app.store.getMany([keyRow({ region: alice.region, keyId })]);
  if (item === undefined) throw new Error(`There is no key ${keyId}.`);
  return { record: readKeyRecord(item), rev: item.rev };
}

export async function writeKey(app: InProcess, keyId: string, change: (record: KeyRecord) => KeyRecord): Promise<void> {
  const { record, rev } = await readKey(app, keyId);
  await app.store.transact(await sealWrites(app.crypto, [updateKey({ rev }, change(record))]));
}

export async function setKeyState(app: InProcess, keyId: string, state: KeyState): Promise<void> {
  const deletion = state === 'PendingDeletion' ? { at: app.clock.now() + 7 * 86_400_000, pendingWindowDays: 7, requestedBy: alice.principalArn } : undefined;
  await writeKey(app, keyId, (record) => ({ ...record, state, deletion }));
}
