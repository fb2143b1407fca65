/** Grants as operations see them, and grant tokens: who holds a token knows that the grant was made; the seal on it is the HSM's. */
import { randomBytes } from 'node:crypto';
import type { GrantRecord } from '#shared/policy/grant.ts';
import { type GrantName, invalidToken, readToken, tokenDigest } from '#shared/policy/grant-token.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { Item, RecordStore } from '#shared/ports/record-store.ts';
import { type GrantSurroundings, readGrant, readGrantee, type Stored } from './access-records.ts';
import { grantCountRow, grantCountShards, granteeRow, grantPrefix, grantRow, retirablePartition } from './access-rows.ts';
import type { Slice } from './key-lister.ts';
import type { RowReader } from './row-reader.ts';
import { keyPartition } from './rows.ts';

interface KeyName {
  readonly region: string;
  readonly keyId: string;
}

export interface GrantStore {
  get(key: KeyName, grantId: string): Promise<GrantRecord | undefined>;
  /** Every grant of a grantee on a key, and the revision of the row that holds them: 0 when there is none. */
  ofGrantee(key: KeyName, grantee: string): Promise<Stored<readonly GrantRecord[]>>;
  /** The same, and how many grants the key has: what a change of them starts from. */
  surroundings(key: KeyName, grantee: string): Promise<GrantSurroundings>;
  list(key: KeyName, limit: number, from?: string): Promise<Slice<GrantRecord>>;
  retirable(region: string, retiring: string, limit: number, from?: string): Promise<Slice<GrantRecord>>;
  issueToken(grant: GrantName): Promise<string>;
  /** @throws KmsError InvalidGrantTokenException for tokens that this service did not issue */
  checkTokens(tokens: readonly string[]): Promise<readonly GrantName[]>;
}

interface Settings {
  readonly store: Pick<RecordStore, 'query'>;
  readonly rows: RowReader;
  readonly crypto: Pick<Crypto, 'sealRows' | 'checkSeals'>;
}

const knownTokensMax = 20_000;
const countShards = Array.from({ length: grantCountShards }, (_, shard) => shard);

/** Not sealed: who can write to the database can refuse grants or make more of them, and gains no authority by either. */
function readCount(item: Item | undefined): Stored<number> {
  const count = Number(item?.body.grants ?? 0);
  return { record: Number.isSafeInteger(count) && count > 0 ? count : 0, rev: item?.rev ?? 0 };
}

export function createGrantStore({ store, rows, crypto }: Settings): GrantStore {
  /** Tokens whose seal held: a client sends the same one with each request. */
  const known = new Set<string>();
  const get: GrantStore['get'] = async (key, grantId) => {
    const row = grantRow(key, grantId);
    const snapshot = rows.open();
    await snapshot.load([row]);
    const item = snapshot.get(row);
    await rows.requireSeals([item]);
    return item === undefined ? undefined : readGrant(item);
  };
  const readSurroundings = async (key: KeyName, grantee: string, shards: readonly number[]): Promise<GrantSurroundings> => {
    const row = granteeRow(key, grantee);
    const countRows = shards.map((shard) => grantCountRow(key, shard));
    const snapshot = rows.open();
    await snapshot.load([row, ...countRows]);
    const item = snapshot.get(row);
    await rows.requireSeals([item]);
    return {
      grantee: item === undefined ? { record: [], rev: 0 } : { record: readGrantee(item).grants, rev: item.rev },
      counts: countRows.map((countRow) => readCount(snapshot.get(countRow))),
    };
  };
  const slice = async (query: Parameters<RecordStore['query']>[0], from: string | undefined): Promise<Slice<GrantRecord>> => {
    const page = await store.query({ ...query, ...(from === undefined ? {} : { after: from }) });
    await rows.requireSeals(page.items);
    return { records: page.items.map(readGrant), next: page.next };
  };

  return {
    get,
    ofGrantee: async (key, grantee) => (await readSurroundings(key, grantee, [])).grantee,
    surroundings: (key, grantee) => readSurroundings(key, grantee, countShards),
    list: (key, limit, from) => slice({ table: 'core', pk: keyPartition(key), prefix: grantPrefix, limit }, from),
    async retirable(region, retiring, limit, from) {
      const page = await store.query({ table: 'core', index: 'list', pk: retirablePartition(region, retiring), limit, ...(from === undefined ? {} : { after: from }) });
      const listed = await rows.listed(page.items, ({ keyId, grantId, retiring: whose }) =>
        whose === retiring ? grantRow({ region, keyId: String(keyId) }, String(grantId)) : undefined,
      );
      return { records: listed.map(readGrant), next: page.next };
    },
    async issueToken({ account, region, keyId, grantId }) {
      const payload = Buffer.from(JSON.stringify([1, account, region, keyId, grantId, randomBytes(12).toString('base64url')]));
      const [seal] = await crypto.sealRows([tokenDigest(payload)]);
      return `${payload.toString('base64url')}.${Buffer.from(seal!, 'base64').toString('base64url')}`;
    },
    async checkTokens(tokens) {
      const read = tokens.map(readToken);
      const unknown = read.filter(({ name }) => !known.has(name));
      const valid = unknown.length === 0 ? [] : await crypto.checkSeals(unknown.map(({ digest, seal }) => ({ digest, seal })));
      if (!unknown.every((_, at) => valid[at] === true)) throw invalidToken();
      for (const { name } of unknown) {
        if (known.size >= knownTokensMax) known.delete(known.values().next().value!);
        known.add(name);
      }
      return read.map(({ grant }) => grant);
    },
  };
}
