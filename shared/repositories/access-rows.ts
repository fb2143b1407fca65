/** Where grants, roles and bindings live. Beside rows.ts, in the same layout (docs/adr/0004, 0017). */
import { accountOfArn } from '#shared/policy/principal-names.ts';
import type { ItemKey } from '#shared/ports/record-store.ts';
import { partitions } from './partitions.ts';
import { rememberRows } from './row-memo.ts';
import { keyPartition } from './rows.ts';

interface KeyName {
  readonly region: string;
  readonly keyId: string;
}

export const grantPrefix = 'GRANT#';
export const granteePrefix = 'GRANTEE#';
/** One grant: for lists, retirement and revocation. */
export const grantRow = (key: KeyName, grantId: string): ItemKey => ({ table: 'core', pk: keyPartition(key), sk: `${grantPrefix}${grantId}` });
/** All grants of one grantee on one key: what a decision reads, in the same request as the key. */
export const granteeRow = (key: KeyName, grantee: string): ItemKey => rememberedGranteeRow(key.region, key.keyId, grantee);
const rememberedGranteeRow = rememberRows((region: string, keyId: string, grantee: string) => ({
  table: 'core',
  pk: keyPartition({ region, keyId }),
  sk: `${granteePrefix}${grantee}`,
}));
export const grantCountPrefix = 'GRANTCOUNT#';
/** In shards, so that grants made at once on one key seldom wait for each other (docs/adr/0027). */
export const grantCountShards = 4;
export const grantCountShard = (grantId: string): number => Number.parseInt(grantId.slice(-2), 16) % grantCountShards;
export const grantCountRow = (key: KeyName, shard: number): ItemKey => ({ table: 'core', pk: keyPartition(key), sk: `${grantCountPrefix}${shard}` });
export const retirablePartition = (region: string, retiring: string): string => `${partitions['core/list'].grants}${region}#${retiring}`;

export const roleRow = (role: { account: string; name: string }): ItemKey => ({ table: 'core', pk: `${partitions.core.role}${role.account}#${role.name}`, sk: 'META' });
export const roleListPartition = (account: string): string => `${partitions['core/list'].roles}${account}`;

/** One row holds all roles of a principal. Its account is that of its ARN: only an account binds its own principals. */
export const bindingRow = rememberRows(
  (principal: string): ItemKey => ({ table: 'core', pk: `${partitions.core.binding}${accountOfArn(principal) ?? ''}#${principal}`, sk: 'META' }),
);
export const bindingListPartition = (account: string): string => `${partitions['core/list'].bindings}${account}`;
