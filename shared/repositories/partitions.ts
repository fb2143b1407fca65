/**
 * What the partitions of each table and index hold, by how their keys begin. rows.ts and access-rows.ts build keys from these, and cdk/grants.ts the conditions
 * of IAM on leading keys. A beginning is never the beginning of another in the same place: else a condition on the one would let the other in. One without `#` at its end is a whole key.
 */
export const partitions = {
  core: { key: 'KEY#', alias: 'ALIAS#', keyStores: 'KEYSTORES#', role: 'ROLE#', binding: 'BINDING#', outbox: 'OUTBOX#' },
  'core/list': { keys: 'LIST#KEY#', aliases: 'LIST#ALIAS#', grants: 'LIST#GRANT#', roles: 'LIST#ROLE#', bindings: 'LIST#BINDING#' },
  'core/due': { outbox: 'DUE#OUTBOX#', synchronization: 'DUE#SYNCHRONIZATION#', rotation: 'DUE#ROTATION#', deletion: 'DUE#DELETION#', expiry: 'DUE#EXPIRY#' },
  material: { key: 'KEY#' },
  ops: { usage: 'USAGE#', lastUse: 'LASTUSE#' },
  'ops/due': { roll: 'DUE#ROLL' },
} as const;

/** A table, or an index of one. */
export type PartitionedName = keyof typeof partitions;
export type PartitionKind<Place extends PartitionedName = PartitionedName> = keyof (typeof partitions)[Place];

/** What a change can be about. Its outbox row is the committer's own. */
export type RowKind = Exclude<PartitionKind<'core'>, 'outbox'>;
/** What is listed by an index. */
export type ListKind = PartitionKind<'core/list'>;

/** @returns undefined for a key that nothing of ours has */
export function kindOfPartition<Place extends PartitionedName>(place: Place, pk: string): PartitionKind<Place> | undefined {
  return (Object.entries(partitions[place]) as [PartitionKind<Place>, string][]).find(([, beginning]) => pk.startsWith(beginning))?.[0];
}
