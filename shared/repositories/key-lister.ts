/** Lists: an account's keys and aliases, a key's versions and aliases. Pages may be short; only a missing `next` ends a list. */
import { invalidMarker } from '#shared/fields/pagination.ts';
import type { VersionRecord } from '#shared/keys/key-record.ts';
import type { Item, RecordStore } from '#shared/ports/record-store.ts';
import { type AliasRecord, readAliasRecord, readVersionRecord } from './records.ts';
import type { RowReader } from './row-reader.ts';
import { aliasListPartition, aliasOfKeyPrefix, aliasRow, keyListPartition, keyPartition, keyRow, listShards, versionPrefix } from './rows.ts';

export interface Slice<Record> {
  readonly records: readonly Record[];
  /** Opaque position to go on from; absent at the end. */
  readonly next?: string | undefined;
}

interface Owner {
  readonly account: string;
  readonly region: string;
}
interface KeyName {
  readonly region: string;
  readonly keyId: string;
}

/** Keys and aliases are held to their seals here too: a list must not show what nobody made, or what is somebody else's. @throws (of one key or alias, but versions) SealBroken */
export interface KeyLister {
  keys(owner: Owner, limit: number, from?: string): Promise<Slice<{ keyId: string }>>;
  aliases(owner: Owner, limit: number, from?: string): Promise<Slice<AliasRecord>>;
  aliasesOfKey(key: KeyName & Owner, limit: number, from?: string): Promise<Slice<AliasRecord>>;
  versions(key: KeyName, limit: number, from?: string): Promise<Slice<VersionRecord>>;
  alias(alias: Owner & { aliasName: string }): Promise<{ record: AliasRecord; rev: number } | undefined>;
}

interface Settings {
  readonly store: Pick<RecordStore, 'query' | 'getMany'>;
  readonly rows: Pick<RowReader, 'listed' | 'requireSeals'>;
}

export function createKeyLister({ store, rows }: Settings): KeyLister {
  async function slice<Record>(query: Parameters<RecordStore['query']>[0], read: (item: Item) => Record): Promise<Slice<Record>> {
    const page = await store.query(query);
    return { records: page.items.map(read), next: page.next };
  }

  return {
    async keys(owner, limit, from) {
      const items: Item[] = [];
      let [shard, after] = from === undefined ? [0, undefined] : readPosition(from);
      while (shard < listShards) {
        const page = await store.query({
          table: 'core',
          index: 'list',
          pk: keyListPartition(owner, shard),
          limit: limit - items.length,
          ...(after === undefined ? {} : { after }),
        });
        items.push(...page.items);
        after = page.next;
        if (after === undefined) shard += 1;
        if (items.length >= limit) break;
      }
      const listed = await rows.listed(items, ({ account, keyId }) => (account === owner.account ? keyRow({ region: owner.region, keyId: String(keyId) }) : undefined));
      return { records: listed.map(({ body }) => ({ keyId: String(body.keyId) })), next: shard < listShards ? `${shard}|${after ?? ''}` : undefined };
    },
    async aliases(owner, limit, from) {
      const page = await store.query({ table: 'core', index: 'list', pk: aliasListPartition(owner), limit, ...(from === undefined ? {} : { after: from }) });
      const listed = await rows.listed(page.items, ({ aliasName }) => aliasRow({ ...owner, aliasName: String(aliasName) }));
      return { records: listed.map(readAliasRecord), next: page.next };
    },
    async aliasesOfKey(key, limit, from) {
      const page = await store.query({ table: 'core', pk: keyPartition(key), prefix: aliasOfKeyPrefix, limit, ...(from === undefined ? {} : { after: from }) });
      await rows.requireSeals(page.items);
      return { records: page.items.map(readAliasRecord), next: page.next };
    },
    versions: (key, limit, from) =>
      slice({ table: 'core', pk: keyPartition(key), prefix: versionPrefix, limit, ...(from === undefined ? {} : { after: from }) }, readVersionRecord),
    async alias(alias) {
      const [item] = await store.getMany([aliasRow(alias)]);
      await rows.requireSeals([item]);
      return item === undefined ? undefined : { record: readAliasRecord(item), rev: item.rev };
    },
  };
}

/** The position comes back from the caller, who may have made it up. @throws KmsError InvalidMarkerException */
function readPosition(from: string): [number, string | undefined] {
  const match = /^([0-9])\|(.*)$/s.exec(from);
  if (match === null || Number(match[1]) >= listShards) throw invalidMarker();
  return [Number(match[1]), match[2] === '' ? undefined : match[2]];
}
