/** The writes that make, change and remove records. Each is conditional on what was read, so a change that was overtaken never lands. */
import type { KeyRecord, VersionRecord } from '#shared/keys/key-record.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { type Item, TransactionCancelled, type Write } from '#shared/ports/record-store.ts';
import type { LoadedKey } from './key-reader.ts';
import { type AliasRecord, toBody } from './records.ts';
import type { RelatedKey } from './related-keys.ts';
import { aliasListPartition, aliasOfKeyRow, aliasRow, keyDueIndex, keyListIndex, keyRow, materialRow, versionRow } from './rows.ts';

function keyItem(record: KeyRecord, rev: number): Item {
  return { ...keyRow(record), rev, body: toBody(record), index: { list: keyListIndex(record), due: keyDueIndex(record) } };
}

export const createKey = (record: KeyRecord, version: VersionRecord, material: KeyMaterial): Write[] => [
  { put: keyItem(record, 1), if: { absent: true } },
  ...addVersion(record, version, material),
];

/** A key whose material is imported later. */
export const createKeyWithoutMaterial = (record: KeyRecord): Write[] => [{ put: keyItem(record, 1), if: { absent: true } }];

export const updateKey = (key: Pick<LoadedKey, 'rev'>, record: KeyRecord): Write => ({ put: keyItem(record, key.rev + 1), if: { rev: key.rev } });

/** Gives every key of a set the same change. Precondition: the same transaction changes the key that they were found by. */
export const updateRelated = (related: readonly RelatedKey[], change: (record: KeyRecord) => KeyRecord): Write[] => related.map((key) => updateKey(key, change(key.record)));

/** Counts as a change of the key: of two requests that each looked at the key and add to it, one must look again. */
export const touchKey = (key: LoadedKey): Write => updateKey(key, key.record);

/** Precondition: the same transaction raises the key's currentVersion. */
export const addVersion = (key: KeyRecord, version: VersionRecord, material: KeyMaterial): Write[] => [
  { put: { ...versionRow(key, version.version), rev: 1, body: toBody(version) }, if: { absent: true } },
  { put: { ...materialRow(key, version.version), rev: 1, body: toBody(material) }, if: { absent: true } },
];

/**
 * Material of an EXTERNAL key's version, in place of what may have been there.
 * Precondition: the same transaction changes the key's row, and so holds the order of imports.
 */
export const putImportedMaterial = (key: LoadedKey, material: KeyMaterial): Write => ({
  put: { ...materialRow(key.record, material.version), rev: key.rev + 1, body: toBody(material) },
});

export const addVersionRow = (key: KeyRecord, version: VersionRecord): Write => ({
  put: { ...versionRow(key, version.version), rev: 1, body: toBody(version) },
  if: { absent: true },
});

function aliasWrites(record: AliasRecord, rev: number): { alias: Item; ofKey: Item } {
  const body = toBody(record);
  const alias: Item = { ...aliasRow(record), rev, body, index: { list: { pk: aliasListPartition(record), sk: record.aliasName } } };
  const ofKey: Item = { ...aliasOfKeyRow({ region: record.region, keyId: record.targetKeyId }, record.aliasName), rev, body };
  return { alias, ofKey };
}

export function createAlias(record: AliasRecord): Write[] {
  const { alias, ofKey } = aliasWrites(record, 1);
  return [{ put: alias, if: { absent: true } }, { put: ofKey }];
}

export function updateAlias(existing: { record: AliasRecord; rev: number }, record: AliasRecord): Write[] {
  const { alias, ofKey } = aliasWrites(record, existing.rev + 1);
  const writes: Write[] = [{ put: alias, if: { rev: existing.rev } }, { put: ofKey }];
  if (existing.record.targetKeyId !== record.targetKeyId) writes.push({ delete: aliasOfKeyRow({ region: record.region, keyId: existing.record.targetKeyId }, record.aliasName) });
  return writes;
}

/**
 * The caller was authorized for the key that the alias pointed to. When it points to another one by now, the request starts again.
 * @throws TransactionCancelled
 */
export function requireSameTarget(existing: { record: AliasRecord }, authorized: Pick<LoadedKey, 'record'>): void {
  if (existing.record.targetKeyId !== authorized.record.keyId) throw new TransactionCancelled([]);
}

export const deleteAlias = (existing: { record: AliasRecord; rev: number }): Write[] => [
  { delete: aliasRow(existing.record), if: { rev: existing.rev } },
  { delete: aliasOfKeyRow({ region: existing.record.region, keyId: existing.record.targetKeyId }, existing.record.aliasName) },
];
