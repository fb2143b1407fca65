/**
 * What decides over a caller, read in the same store request as the keys: its bindings, the custom roles they name (guessed from the last time, and
 * never believed without reading the rows again), and its grants on each key. Everything is read strongly consistent and checked by its seal, so a
 * binding, role or grant counts from the next request on, in every process.
 */
import { KmsError } from '#shared/errors.ts';
import { builtInRole } from '#shared/policy/built-in-roles.ts';
import type { RoleDocument } from '#shared/policy/decide.ts';
import type { GrantRecord } from '#shared/policy/grant.ts';
import type { PolicyCache } from '#shared/policy/policy-cache.ts';
import { type PrincipalIdentity, principalIds, principalNames, rootArn } from '#shared/policy/principal-names.ts';
import type { Item, ItemKey, RecordStore } from '#shared/ports/record-store.ts';
import { readBinding, readGrantee, readRole } from './access-records.ts';
import { bindingRow, granteeRow, roleRow } from './access-rows.ts';
import { Hints } from './hints.ts';
import { CorruptRow, readAliasRecord } from './records.ts';
import type { RowReader, RowSnapshot } from './row-reader.ts';
import { aliasOfKeyPrefix, keyPartition } from './rows.ts';

interface KeyName {
  readonly region: string;
  readonly keyId: string;
}

/** Rows to read along with the keys of a request. */
export interface AccompanyingRows {
  readonly always: readonly ItemKey[];
  ofKey(key: KeyName): readonly ItemKey[];
}

/** What was read about one principal. */
export interface PrincipalAccess {
  readonly documents: readonly RoleDocument[];
  /** Grants on the key to the principal, its role, or its account. */
  grantsOn(key: KeyName): readonly GrantRecord[];
}

export interface AccessReader {
  rowsFor(principal: PrincipalIdentity): AccompanyingRows;
  /** @param keys those whose rows were loaded @throws SealBroken */
  read(principal: PrincipalIdentity, snapshot: RowSnapshot, keys: readonly KeyName[]): Promise<PrincipalAccess>;
  /** Names of the aliases of a key, sorted. */
  aliasesOf(key: KeyName): Promise<readonly string[]>;
}

interface Settings {
  readonly store: Pick<RecordStore, 'query'>;
  readonly rows: RowReader;
  readonly policies: PolicyCache;
  readonly partition: string;
  /** Roles that the deployment's configuration gives, by any of the principal's names. */
  readonly configuredRoles: (principal: PrincipalIdentity) => readonly string[];
}

const aliasesMax = 100;

export function createAccessReader({ store, rows, policies, partition, configuredRoles }: Settings): AccessReader {
  const roleHints = new Hints<readonly ItemKey[]>();
  const granteesOf = ({ arn, account }: PrincipalIdentity): readonly string[] => {
    const names = principalNames(arn);
    const root = rootArn(partition, account);
    return names.includes(root) ? names : [...names, root];
  };

  function boundRoles(principal: PrincipalIdentity, bindings: readonly Item[]): ReadonlySet<string> {
    const roles = new Set<string>();
    for (const item of bindings) {
      const binding = readBinding(item);
      if (binding.principalId !== undefined && !principalIds(principal.id).includes(binding.principalId)) continue;
      for (const role of binding.roles) roles.add(role);
    }
    return roles;
  }

  /** None for a role of the configuration that nobody has made (yet), or whose name is misspelt. */
  function documentsOf(role: string, account: string, snapshot: RowSnapshot, isBound: boolean): RoleDocument[] {
    const builtIn = builtInRole(role);
    if (builtIn !== undefined) return [{ role, policy: policies.get(builtIn.document, 'identity') }];
    const row = roleRow({ account, name: role });
    const item = snapshot.get(row);
    // A role that is bound cannot be deleted through the service.
    if (item === undefined) return isBound ? rows.refuse(row) : [];
    return [{ role, policy: compiled(policies, readRole(item).document) }];
  }

  return {
    rowsFor(principal) {
      const bindings = principalNames(principal.arn).map(bindingRow);
      return {
        always: [...bindings, ...(roleHints.get(principal.arn) ?? [])],
        ofKey: (key) => granteesOf(principal).map((grantee) => granteeRow(key, grantee)),
      };
    },

    async read(principal, snapshot, keys) {
      const bindingRows = principalNames(principal.arn).map(bindingRow);
      const granteeRows = keys.flatMap((key) => granteesOf(principal).map((grantee) => granteeRow(key, grantee)));
      await snapshot.load([...bindingRows, ...granteeRows]);
      const bindings = bindingRows.map((row) => snapshot.get(row)).filter((item) => item !== undefined);
      const grantees = granteeRows.map((row) => snapshot.get(row)).filter((item) => item !== undefined);
      const hinted = roleHints.get(principal.arn) ?? [];
      await rows.requireSeals([...bindings, ...grantees, ...hinted.map((row) => snapshot.get(row))]);

      const bound = boundRoles(principal, bindings);
      const roles = new Set([...configuredRoles(principal), ...bound]);
      const roleRows = [...roles].filter((role) => builtInRole(role) === undefined).map((name) => roleRow({ account: principal.account, name }));
      if (roleRows.length > 0 || hinted.length > 0) {
        roleHints.set(principal.arn, roleRows);
        await snapshot.load(roleRows);
        await rows.requireSeals(roleRows.map((row) => snapshot.get(row)));
      }
      const grants = new Map<string, GrantRecord[]>();
      for (const item of grantees) {
        const found = grants.get(item.pk) ?? [];
        found.push(...readGrantee(item).grants);
        grants.set(item.pk, found);
      }
      return {
        documents: [...roles].flatMap((role) => documentsOf(role, principal.account, snapshot, bound.has(role))),
        grantsOn: (key) => grants.get(keyPartition(key)) ?? [],
      };
    },

    async aliasesOf(key) {
      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.query({ table: 'core', pk: keyPartition(key), prefix: aliasOfKeyPrefix, limit: aliasesMax, ...(after === undefined ? {} : { after }) });
        await rows.requireSeals(page.items);
        names.push(...page.items.map((item) => readAliasRecord(item).aliasName));
        after = page.next;
      } while (after !== undefined);
      return names.toSorted();
    },
  };
}

/** A stored document was compiled before it was stored. */
export function compiled(policies: PolicyCache, document: string, kind: 'identity' | 'key' = 'identity'): RoleDocument['policy'] {
  try {
    return policies.get(document, kind);
  } catch (error) {
    if (error instanceof KmsError) throw new CorruptRow('A stored policy cannot be read.', { cause: error });
    throw error;
  }
}
