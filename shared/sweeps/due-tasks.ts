/**
 * Finds what is due and does it: scheduled rotations, versions that encrypted enough, destructions. On AWS the finder feeds a queue and a worker
 * does the tasks; the single node does both in one process. A task may be given twice: the operations check again and refuse the second.
 */

import * as z from 'zod';
import { newUuid } from '#shared/ids.ts';
import { keyArn } from '#shared/keys/arn.ts';
import { expiredVersions, isExternal } from '#shared/keys/imported.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import { primaryRegionOf } from '#shared/keys/multi-region.ts';
import type { Operation } from '#shared/operation.ts';
import { execute } from '#shared/pipeline/execute.ts';
import type { Service } from '#shared/pipeline/service.ts';
import type { Item, RecordStore } from '#shared/ports/record-store.ts';
import { rollPartition } from '#shared/repositories/encryption-counter.ts';
import { readKeyStores } from '#shared/repositories/key-store-records.ts';
import { readKeyRecord } from '#shared/repositories/records.ts';
import { dueKinds, duePartition, dueShards, dueSince, dueThrough, keyRow, keyStoresRow, usageRow } from '#shared/repositories/rows.ts';
import { DeleteExpiredKeyMaterial } from './delete-expired-key-material.ts';
import { DeleteKey } from './delete-key.ts';
import { type OverdueTally, taskKinds } from './overdue-tally.ts';
import { RotateKey } from './rotate-key.ts';
import { SynchronizeMultiRegionKey } from './synchronize-multi-region-key.ts';

export const dueTaskSchema = z.strictObject({
  kind: z.enum(taskKinds),
  account: z.string().length(12),
  region: z.string(),
  keyId: z.string(),
  version: z.int().min(1),
});
export type DueTask = z.output<typeof dueTaskSchema>;

const pageSize = 100;

/** @param overdue learns of each task since when it has been due */
export async function* findDueTasks(
  store: Pick<RecordStore, 'query' | 'getMany'>,
  now: number,
  overdue: Pick<OverdueTally, 'add'> = { add: () => undefined },
): AsyncGenerator<DueTask> {
  for (const kind of dueKinds) {
    for (let shard = 0; shard < dueShards; shard += 1) {
      for await (const item of dueItems(store, 'core', duePartition(kind, shard), dueThrough(now))) {
        overdue.add(kind, dueSince(item.index?.due?.sk) ?? now);
        yield taskOf(kind, item);
      }
    }
  }
  for await (const item of dueItems(store, 'ops', rollPartition)) {
    overdue.add('ENCRYPTION_COUNT', now);
    const { region, keyId, version } = item.body;
    const [keyItem] = await store.getMany([keyRow({ region: String(region), keyId: String(keyId) })]);
    if (keyItem !== undefined) yield { ...taskOf('ENCRYPTION_COUNT', keyItem), version: Number(version) };
  }
}

/** Believes nothing and refuses nothing: a broken row must fail as its own task and not end the search for the others. */
function taskOf(kind: DueTask['kind'], item: Item): DueTask {
  const [, region = '', keyId = ''] = item.pk.split('#');
  const { account, currentVersion } = item.body;
  return {
    kind,
    account: typeof account === 'string' && /^[0-9]{12}$/.test(account) ? account : '000000000000',
    region,
    keyId,
    version: Math.max(1, Math.trunc(Number(currentVersion)) || 1),
  };
}

async function* dueItems(store: Pick<RecordStore, 'query'>, table: 'core' | 'ops', pk: string, through?: string): AsyncGenerator<Item> {
  let after: string | undefined;
  do {
    const page = await store.query({ table, index: 'due', pk, limit: pageSize, ...(through === undefined ? {} : { through }), ...(after === undefined ? {} : { after }) });
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}

/** @throws KmsError when the task cannot be done now; a task that is out of date is a success. */
export async function runDueTask(service: Service, task: DueTask): Promise<void> {
  if (!(await isStillDue(service, task))) return;
  const KeyId = keyArn(service.partition, task);
  if (task.kind === 'SYNCHRONIZATION') await runAsService(service, task, SynchronizeMultiRegionKey, { KeyId });
  else if (task.kind === 'DELETION') await runAsService(service, task, DeleteKey, { KeyId });
  else if (task.kind === 'EXPIRY') await runAsService(service, task, DeleteExpiredKeyMaterial, { KeyId });
  else await runRotation(service, task);
}

/** A replica that encrypted enough asks for a new version of its set, which only the primary key makes. */
async function runRotation(service: Service, task: DueTask): Promise<void> {
  const [item] = await service.store.getMany([keyRow(task)]);
  if (item === undefined) return;
  const of: DueTask = { ...task, region: primaryRegionOf(readKeyRecord(item)) };
  await runAsService(service, of, RotateKey, {
    KeyId: keyArn(service.partition, of),
    ExpectedVersion: task.version,
    Reason: task.kind === 'ROTATION' ? 'SCHEDULE' : 'ENCRYPTION_COUNT',
  });
}

/** A look before the operation, so that repeated tasks leave no trail of refusals. */
async function isStillDue(service: Service, task: DueTask): Promise<boolean> {
  const now = service.clock.now();
  const [item] = await service.store.getMany([keyRow(task)]);
  if (item === undefined) return false;
  const record = readKeyRecord(item);
  const { state, currentVersion, deletion, rotation } = record;
  if (task.kind === 'EXPIRY') return expiredVersions(record, now).length > 0;
  if (task.kind === 'SYNCHRONIZATION') return record.synchronize !== undefined;
  if (task.kind === 'DELETION') return deletion?.at !== undefined && deletion.at <= now;
  if (task.kind === 'ENCRYPTION_COUNT' && currentVersion !== task.version) {
    await forgetRoll(service.store, task);
    return false;
  }
  // Its owner imports the next material; until then the version encrypts up to its limit.
  if (isExternal(record)) return false;
  // It stays due until its store is connected and listed again.
  if (!(await isStoreConnected(service, record))) return false;
  return (
    state === 'Enabled' && currentVersion === task.version && (task.kind === 'ENCRYPTION_COUNT' || (rotation.enabled && rotation.nextAt !== undefined && rotation.nextAt <= now))
  );
}

/** For what follows only: the operation itself believes no row without its seal. */
async function isStoreConnected({ store, ports }: Service, record: KeyRecord): Promise<boolean> {
  if (record.keyStoreId === undefined) return true;
  const [item] = await store.getMany([keyStoresRow(record)]);
  if (item === undefined) return true;
  const found = readKeyStores(item).stores.find(({ keyStoreId }) => keyStoreId === record.keyStoreId);
  return found?.connected === true && ports.bridgeDirectory.find(found.clusterId, record.account) !== undefined;
}

/** The version has a successor: its count leaves the due index. */
async function forgetRoll(store: RecordStore, task: DueTask): Promise<void> {
  const [item] = await store.getMany([usageRow(task, task.version)]);
  if (item === undefined) return;
  const { index: _, ...rest } = item;
  await store.transact([{ put: { ...rest, rev: item.rev + 1 }, if: { rev: item.rev } }]);
}

async function runAsService(service: Service, task: DueTask, operation: Operation, members: Record<string, unknown>): Promise<void> {
  await execute(service, {
    operation,
    protocol: 'system',
    requestId: newUuid(),
    caller: { account: task.account, region: task.region, principalArn: `arn:${service.partition}:iam::${task.account}:service/chatelaine`, principalId: 'chatelaine' },
    readMembers: () => members,
    strict: true,
    sourceIp: 'internal',
    userAgent: undefined,
  });
}
