/** The writes that take imported material from a key. */
import type { Write } from '#shared/ports/record-store.ts';
import { updateKey } from '#shared/repositories/changes.ts';
import type { MaterialEraser } from '#shared/repositories/eraser.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { RelatedKeys } from '#shared/repositories/related-keys.ts';
import { forgetting, unassociated, withoutMaterial } from './imported.ts';

interface Tools {
  readonly relatedKeys: RelatedKeys;
  readonly materialEraser: MaterialEraser;
}

/** Material that waits for its rotation goes from the replicas too when it goes from the primary key (API Reference, DeleteImportedKeyMaterial). */
export async function eraseMaterial({ relatedKeys, materialEraser }: Tools, key: LoadedKey, versions: readonly number[]): Promise<Write[]> {
  const everywhere = unassociated(key.record, versions);
  const related = everywhere.length === 0 ? [] : await relatedKeys.of(key.record);
  return [
    updateKey(key, withoutMaterial(key.record, versions)),
    ...materialEraser.eraseVersions(key, versions),
    ...related.flatMap((other) => [updateKey(other, forgetting(other.record, everywhere)), ...materialEraser.eraseVersions(other, everywhere)]),
  ];
}
