/** Where each record lives: partition and sort keys, and the index positions. The layout is docs/adr/0004; nothing else builds a key. */
import { nextExpiry } from '#shared/keys/imported.ts';
import type { KeyRecord, VersionRecord } from '#shared/keys/key-record.ts';
import { isReplica } from '#shared/keys/multi-region.ts';
import type { IndexKey, Item, ItemKey } from '#shared/ports/record-store.ts';
import { partitions } from './partitions.ts';
import { rememberRows } from './row-memo.ts';

interface KeyName {
  readonly region: string;
  readonly keyId: string;
}

/** List partitions are sharded so that one account's creations do not meet one partition's write limit (research: aws-arch 5.2). */
export const listShards = 8;
/** Due-date partitions: one per shard, sorted by time. */
export const dueShards = 8;

const shardOf = (keyId: string, shards: number): number => Number.parseInt(keyId.slice(-4), 16) % shards;
const sortableTime = (ms: number): string => String(Math.max(0, Math.trunc(ms))).padStart(15, '0');

export const keyPartition = (key: KeyName): string => `${partitions.core.key}${key.region}#${key.keyId}`;
const rememberedKeyRow = rememberRows((region: string, keyId: string) => ({ table: 'core', pk: keyPartition({ region, keyId }), sk: 'META' }));
export const keyRow = (key: KeyName): ItemKey => rememberedKeyRow(key.region, key.keyId);
export const versionPrefix = 'VER#';
const versionNumber = (version: number): string => String(version).padStart(10, '0');
export const versionRow = (key: KeyName, version: VersionRecord['version']): ItemKey => ({ table: 'core', pk: keyPartition(key), sk: `${versionPrefix}${versionNumber(version)}` });
export const materialPrefix = 'MAT#';
const rememberedMaterialRow = rememberRows((region: string, keyId: string, version: number) => ({
  table: 'material',
  pk: keyPartition({ region, keyId }),
  sk: `${materialPrefix}${versionNumber(version)}`,
}));
export const materialRow = (key: KeyName, version: number): ItemKey => rememberedMaterialRow(key.region, key.keyId, version);
export const aliasRow = (alias: { region: string; account: string; aliasName: string }): ItemKey => ({
  table: 'core',
  pk: `${partitions.core.alias}${alias.region}#${alias.account}#${alias.aliasName}`,
  sk: 'META',
});
export const aliasOfKeyPrefix = 'ALIAS#';
export const aliasOfKeyRow = (key: KeyName, aliasName: string): ItemKey => ({ table: 'core', pk: keyPartition(key), sk: `${aliasOfKeyPrefix}${aliasName}` });
/** One row holds all key stores of an account in a Region, so that names, bridges and the limit are held by its revision. */
export const keyStoresRow = (owner: { region: string; account: string }): ItemKey => ({
  table: 'core',
  pk: `${partitions.core.keyStores}${owner.region}#${owner.account}`,
  sk: 'META',
});
/** Beside it, one row per key of a store: a store with any is not deleted. */
export const keyOfStorePrefix = (keyStoreId: string): string => `KEY#${keyStoreId}#`;
export const keyOfStoreRow = (key: { region: string; account: string; keyId: string }, keyStoreId: string): ItemKey => ({
  ...keyStoresRow(key),
  sk: `${keyOfStorePrefix(keyStoreId)}${key.keyId}`,
});
export const outboxRow = (eventId: string): ItemKey => ({ table: 'core', pk: `${partitions.core.outbox}${eventId}`, sk: 'EVENT' });
export const usageRow = (key: KeyName, version: number): ItemKey => ({ table: 'ops', pk: `${partitions.ops.usage}${key.region}#${key.keyId}`, sk: versionNumber(version) });
export const lastUseRow = (key: KeyName): ItemKey => ({ table: 'ops', pk: `${partitions.ops.lastUse}${key.region}#${key.keyId}`, sk: 'USE' });

export const keyListPartition = (owner: { region: string; account: string }, shard: number): string => `${partitions['core/list'].keys}${owner.region}#${owner.account}#${shard}`;
export const aliasListPartition = (owner: { region: string; account: string }): string => `${partitions['core/list'].aliases}${owner.region}#${owner.account}`;
export const outboxDuePartition = (shard: number): string => `${partitions['core/due'].outbox}${shard}`;
export const dueKinds = ['SYNCHRONIZATION', 'ROTATION', 'DELETION', 'EXPIRY'] as const;
export type DueKind = (typeof dueKinds)[number];
export const duePartition = (kind: DueKind, shard: number): string => `${partitions['core/due'][kind.toLowerCase() as Lowercase<DueKind>]}${shard}`;
/** Inclusive bound for everything due by `ms`. */
export const dueThrough = (ms: number): string => `${sortableTime(ms)}#~`;

/** The time in a position of the due index, in ms. */
export const dueSince = (sk: string | undefined): number | undefined => (/^[0-9]{15}#/.test(sk ?? '') ? Number(sk?.slice(0, 15)) : undefined);

export function keyListIndex(key: KeyRecord): IndexKey {
  return { pk: keyListPartition(key, shardOf(key.keyId, listShards)), sk: `${sortableTime(key.createdAt)}#${key.keyId}` };
}

/** Unique in its partition: related multi-Region keys share their id. */
const dueAt = (key: KeyRecord, ms: number): string => `${sortableTime(ms)}#${key.keyId}${key.multiRegion ? `#${key.region}` : ''}`;

/**
 * A key waits for one thing at a time: to become like the others of its set, its deletion or the end of imported material, whichever is first, or (when it
 * is enabled and no replica) its next rotation.
 */
export function keyDueIndex(key: KeyRecord): IndexKey | undefined {
  const shard = shardOf(key.keyId, dueShards);
  if (key.synchronize !== undefined && key.deletion === undefined) return { pk: duePartition('SYNCHRONIZATION', shard), sk: dueAt(key, key.synchronize.since) };
  const expiry = nextExpiry(key);
  if (expiry !== undefined && expiry < (key.deletion?.at ?? Number.POSITIVE_INFINITY)) return { pk: duePartition('EXPIRY', shard), sk: dueAt(key, expiry) };
  if (key.deletion !== undefined) return key.deletion.at === undefined ? undefined : { pk: duePartition('DELETION', shard), sk: dueAt(key, key.deletion.at) };
  if (key.state === 'Enabled' && !isReplica(key) && key.rotation.enabled && key.rotation.nextAt !== undefined) {
    return { pk: duePartition('ROTATION', shard), sk: dueAt(key, key.rotation.nextAt) };
  }
  return undefined;
}

/** The sweep should not wait for its hour: somebody waits for the key. */
export const isDueNow = (item: Item): boolean => item.index?.due?.pk.startsWith(partitions['core/due'].synchronization) === true;

export function outboxDueIndex(eventId: string, createdAtMs: number): IndexKey {
  return { pk: outboxDuePartition(shardOf(eventId, dueShards)), sk: `${sortableTime(createdAtMs)}#${eventId}` };
}
