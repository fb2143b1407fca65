/**
 * Finds the keys that a request names: resolves aliases, loads records (and material when asked), checks their seals. One store request when
 * nothing changed since the last look: hints remember what an alias pointed to and which version was current, and are never believed
 * without reading the rows themselves again.
 */
import { KmsError } from '#shared/errors.ts';
import type { IsListed } from '#shared/key-stores/bridge-directory.ts';
import type { KeyStore } from '#shared/key-stores/key-store-record.ts';
import { aliasArn, type KeyIdentifier, type KeyLocation, keyArn, parseKeyIdentifier } from '#shared/keys/arn.ts';
import { asOf } from '#shared/keys/imported.ts';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import type { KeyBinding, KeyMaterial } from '#shared/keys/material.ts';
import { acceptedVersions } from '#shared/keys/versions.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { KeyHandle } from '#shared/ports/crypto.ts';
import type { ItemKey } from '#shared/ports/record-store.ts';
import type { AccompanyingRows } from './access-reader.ts';
import { Hints } from './hints.ts';
import { readKeyStores } from './key-store-records.ts';
import { readAliasRecord, readKeyRecord, readMaterial } from './records.ts';
import type { RowReader, RowSnapshot } from './row-reader.ts';
import { aliasRow, keyRow, keyStoresRow, materialRow } from './rows.ts';

export interface KeyReference {
  readonly identifier: string;
  /** 'key': key id or key ARN. 'any': alias name and alias ARN too. */
  readonly accepts: 'key' | 'any';
  /** Whose key the id means, where something of our own names it, such as a grant token. Otherwise the caller's, or the ARN's. */
  readonly owner?: KeyLocation;
  /** Another Region than the caller's, whatever an ARN says: a related multi-Region key. */
  readonly region?: string;
  /** The version whose material is wanted; the current one when absent. */
  readonly version?: number | undefined;
  /** Load every version that the key's version rule accepts, not the current one alone. */
  readonly accepted?: boolean;
  /** The identifier was read from a ciphertext: it means that key whoever owns it, and a caller who may not use it learns nothing about it. */
  readonly fromCiphertext?: boolean;
}

export interface LoadedKey {
  readonly arn: string;
  readonly record: KeyRecord;
  /** Revision of the record's row. */
  readonly rev: number;
  /** The custom key store that the key is in. */
  readonly keyStore?: KeyStore | undefined;
  /** The alias that the request used, with the `alias/` prefix. */
  readonly requestAlias: string | undefined;
  /** Absent when the operation did not ask, or when that version has no material. */
  readonly material: KeyMaterial | undefined;
  /** The versions that the reference asked for, newest first; the first is that of `material`. Absent when the operation did not ask for material. */
  readonly versions?: readonly { readonly version: number; readonly material: KeyMaterial | undefined }[];
}

/** What the bridge needs to use a version: the material, and which version the request takes it for. */
export function handleOf(key: LoadedKey, version: number, material: KeyMaterial): KeyHandle {
  const binding = bindingOf(key.record, version);
  return key.keyStore === undefined ? { binding, material } : { binding, material, store: key.keyStore.clusterId };
}

export const bindingOf = ({ account, region, keyId }: KeyRecord, version: number): KeyBinding => ({ account, region, keyId, version });

/** Where a lookup ended, so that the pipeline can choose between "does not exist" and "may not know". */
export type Lookup = { readonly found: true; readonly key: LoadedKey } | { readonly found: false; readonly identifier: KeyIdentifier; readonly arn: string };

export type ReferencedLookup = Lookup & { readonly fromCiphertext: boolean };

export interface KeyReader {
  /** @throws KmsError for identifiers that cannot be read, SealBroken, StoreUnavailable, CryptoError */
  /** @param accompanying rows that are read along with the keys, into the same snapshot */
  find<Role extends string>(
    references: Readonly<Record<Role, KeyReference>>,
    home: KeyLocation,
    withMaterial: boolean,
    snapshot?: RowSnapshot,
    accompanying?: AccompanyingRows,
  ): Promise<Record<Role, ReferencedLookup>>;
}

interface Settings {
  readonly clock: Clock;
  readonly rows: RowReader;
  readonly partition: string;
  readonly isListed: IsListed;
}

const nothing: AccompanyingRows = { always: [], ofKey: () => [] };

export function createKeyReader({ rows: rowReader, partition, clock, isListed }: Settings): KeyReader {
  /** The versions that were accepted, the current one first. */
  const versionHints = new Hints<readonly number[]>();
  const aliasHints = new Hints<string>();
  /** Keys of custom key stores, and the row of their store. */
  const storeHints = new Hints<ItemKey>();

  return {
    async find(references, home, withMaterial, snapshot = rowReader.open(), accompanying = nothing) {
      const roles = Object.keys(references) as (keyof typeof references)[];
      const wanted = roles.map((role) => ({ role, reference: references[role], identifier: parseReference(references[role], home, partition) }));

      const guess = (keyId: string, reference: KeyReference, region: string): ItemKey[] => {
        const row = keyRow({ region, keyId });
        const versions = withMaterial ? versionsFor(reference, versionHints.get(row.pk) ?? []) : [];
        const store = storeHints.get(row.pk);
        return [row, ...(store === undefined ? [] : [store]), ...versions.map((version) => materialRow({ region, keyId }, version)), ...accompanying.ofKey({ region, keyId })];
      };

      await snapshot.load([
        ...wanted.flatMap(({ identifier, reference }) => {
          if (identifier.kind === 'key') return guess(identifier.keyId, reference, identifier.region);
          const row = aliasRow(identifier);
          const hint = aliasHints.get(row.pk);
          return hint === undefined ? [row] : [row, ...guess(hint, reference, identifier.region)];
        }),
        ...accompanying.always,
      ]);
      const aliases = wanted.flatMap(({ identifier }) => (identifier.kind === 'alias' ? [snapshot.get(aliasRow(identifier))] : []));
      if (aliases.length > 0) await rowReader.requireSeals(aliases);

      const targets = wanted.map(({ identifier }) => {
        if (identifier.kind === 'key') return identifier.keyId;
        const row = aliasRow(identifier);
        const item = snapshot.get(row);
        if (item === undefined) return undefined;
        const keyId = readAliasRecord(item).targetKeyId;
        aliasHints.set(row.pk, keyId);
        return keyId;
      });
      // What the hint of an alias did not say: a key that was named by its id is already read.
      if (aliases.length > 0) {
        await snapshot.load(wanted.flatMap(({ identifier, reference }, at) => (targets[at] === undefined ? [] : guess(targets[at], reference, identifier.region))));
      }
      const rows = wanted.map(({ identifier }, at) => (targets[at] === undefined ? undefined : snapshot.get(keyRow({ region: identifier.region, keyId: targets[at] }))));
      await rowReader.requireSeals(rows);
      const now = clock.now();
      const records = rows.map((row) => (row === undefined ? undefined : asOf(snapshot.read(row, readKeyRecord), now)));

      const storeRows = records.map((record) => (record?.keyStoreId === undefined ? undefined : keyStoresRow(record)));
      for (const [at, storeRow] of storeRows.entries()) if (storeRow !== undefined) storeHints.set(rows[at]!.pk, storeRow);
      const inStores = storeRows.filter((row) => row !== undefined);
      if (inStores.length > 0) {
        await snapshot.load(inStores);
        await rowReader.requireSeals(inStores.map((row) => snapshot.get(row)));
      }
      const keyStores = records.map((record, at) => {
        const row = storeRows[at];
        if (record === undefined || row === undefined) return undefined;
        const item = snapshot.get(row);
        // A store is not deleted while it has a key.
        const store = item === undefined ? undefined : snapshot.read(item, readKeyStores).stores.find(({ keyStoreId }) => keyStoreId === record.keyStoreId);
        return store === undefined ? rowReader.refuse(row) : { ...store, isListed: isListed(store.clusterId, record.account) };
      });

      if (withMaterial) {
        await snapshot.load(
          records.flatMap((record, at) => {
            if (record === undefined) return [];
            const accepted = acceptedVersions(record, now);
            versionHints.set(keyRow(record).pk, accepted);
            return versionsFor(wanted[at]!.reference, accepted).map((version) => materialRow(record, version));
          }),
        );
      }

      const found = wanted.map(({ role, identifier, reference }, at): [string, ReferencedLookup] => {
        const fromCiphertext = reference.fromCiphertext === true;
        const record = records[at];
        // A key id is unique in its Region whoever owns it; the account of the identifier must agree with the record's.
        if (record === undefined || (record.account !== identifier.account && !fromCiphertext)) {
          return [role as string, { found: false, identifier, arn: identifierArn(identifier, partition), fromCiphertext }];
        }
        const versions = (withMaterial ? versionsFor(reference, acceptedVersions(record, now)) : []).map((version) => {
          const item = snapshot.get(materialRow(record, version));
          return { version, material: item === undefined ? undefined : snapshot.read(item, readMaterial) };
        });
        const key: LoadedKey = {
          arn: keyArn(partition, record),
          record,
          rev: rows[at]!.rev,
          keyStore: keyStores[at],
          requestAlias: identifier.kind === 'alias' ? identifier.aliasName : undefined,
          material: versions[0]?.material,
          versions,
        };
        return [role as string, { found: true, key, fromCiphertext }];
      });
      return Object.fromEntries(found) as Record<keyof typeof references, ReferencedLookup>;
    },
  };
}

/** @param accepted the versions that the key accepts, the current one first; empty when they are not known */
function versionsFor(reference: KeyReference, accepted: readonly number[]): readonly number[] {
  if (reference.version !== undefined) return [reference.version];
  return reference.accepted === true ? accepted : accepted.slice(0, 1);
}

/** @throws KmsError for identifiers that cannot be read */
export function parseReference(reference: KeyReference, home: KeyLocation, partition: string): KeyIdentifier {
  const { owner, identifier: text } = reference;
  const identifier = parseKeyIdentifier(owner === undefined ? text : keyArn(partition, { ...owner, keyId: text }), home, partition);
  if (identifier.kind === 'alias' && reference.accepts === 'key') {
    // AWS reads the member as a key id here, so an alias is a malformed one.
    throw new KmsError('NotFoundException', reference.identifier.startsWith('arn:') ? `Invalid arn ${reference.identifier}` : `Invalid keyId '${reference.identifier}'`);
  }
  return reference.region === undefined ? identifier : { ...identifier, region: reference.region };
}

const identifierArn = (identifier: KeyIdentifier, partition: string): string => (identifier.kind === 'key' ? keyArn(partition, identifier) : aliasArn(partition, identifier));
