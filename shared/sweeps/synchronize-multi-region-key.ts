/** The service's own SynchronizeMultiRegionKey (CloudTrail's name for it): gives a replica what it shares with its primary, and ends a change of the primary. */
import * as z from 'zod';
import { isExternal } from '#shared/keys/imported.ts';
import type { KeyRecord, VersionRecord } from '#shared/keys/key-record.ts';
import { primaryRegionOf } from '#shared/keys/multi-region.ts';
import { defineOperation } from '#shared/operation.ts';
import type { Write } from '#shared/ports/record-store.ts';
import { addVersion, addVersionRow, updateKey } from '#shared/repositories/changes.ts';
import type { KeyLister } from '#shared/repositories/key-lister.ts';
import { bindingOf } from '#shared/repositories/key-reader.ts';

/** Two rows for each version, and a transaction has 100. A key with more versions is synchronized by several tasks. */
const versionsPerTask = 20;
const versionsPerPage = 1000;

export const SynchronizeMultiRegionKey = defineOperation({
  name: 'SynchronizeMultiRegionKey',
  group: 'Keys',
  summary: 'Gives a replica the versions of its primary key, and ends the change of a primary Region.',
  http: { method: 'POST', path: '/v1/internal/synchronize' },
  input: z.object({ KeyId: z.string() }),
  output: undefined,
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  changes: ['key'],
  needs: ['committer', 'keyFactory', 'lister', 'relatedKeys', 'relatedMaterial'],
  errors: ['ConflictException', 'KeyUnavailableException'],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(ctx) {
    const { key } = ctx.keys;
    const { record } = key;
    const related = await ctx.ports.relatedKeys.of(record);
    if (record.synchronize?.task === 'PRIMARY') {
      const handingOver = related.filter((other) => other.record.synchronize?.task === 'PRIMARY');
      await ctx.ports.committer.commit([key, ...handingOver].map((other) => updateKey(other, synchronized(other.record))));
      return undefined;
    }
    const primary = related.find((other) => other.record.region === primaryRegionOf(record))?.record;
    if (record.synchronize?.task !== 'CREATION' || primary === undefined) throw ctx.error('ConflictException', 'There is nothing to synchronize.');

    const present = new Set((await versionsOf(ctx.ports.lister, record)).map(({ version }) => version));
    const missing = (await versionsOf(ctx.ports.lister, primary)).filter(({ version }) => !present.has(version));
    const now = missing.slice(0, versionsPerTask);
    const writes: Write[] = [];
    if (isExternal(record)) writes.push(...now.map((version) => addVersionRow(record, version)));
    else {
      const numbers = now.map(({ version }) => version);
      const materials = await ctx.ports.relatedMaterial.read(primary, numbers);
      const rebound = await Promise.all(
        materials.map(async (material, at) => {
          if (material === undefined) throw ctx.error('KeyUnavailableException', `The key material of the primary key of ${key.arn} is not available.`);
          return await ctx.ports.keyFactory.rebindKey({ binding: bindingOf(primary, numbers[at]!), material }, record.region);
        }),
      );
      writes.push(...now.flatMap((version, at) => addVersion(record, version, rebound[at]!)));
    }
    const isWhole = missing.length === now.length;
    await ctx.ports.committer.commit([updateKey(key, isWhole ? synchronized(record) : record), ...writes]);
    return undefined;
  },
});

async function versionsOf(lister: Pick<KeyLister, 'versions'>, record: KeyRecord): Promise<readonly VersionRecord[]> {
  const found: VersionRecord[] = [];
  let from: string | undefined;
  do {
    const page = await lister.versions(record, versionsPerPage, from);
    found.push(...page.records);
    from = page.next;
  } while (from !== undefined);
  return found;
}

/** Keys whose material is imported wait for it. A key that was scheduled for deletion meanwhile stays so. */
function synchronized(record: KeyRecord): KeyRecord {
  const { synchronize, ...rest } = record;
  if (record.state === 'Updating') return { ...rest, state: 'Enabled' };
  if (record.state !== 'Creating') return rest;
  return { ...rest, state: synchronize?.task === 'CREATION' && isExternal(record) ? 'PendingImport' : 'Enabled' };
}
