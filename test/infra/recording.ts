/** Stores and bridges that note what is asked of them, in the words of cdk/grants.ts. */
import { type Grant, leadingPattern } from '#cdk/grants.ts';
import { type BridgeOperationName, bridgeOperations } from '#shared/bridge-messages.ts';
import type { CallerClass } from '#shared/bridge-protocol.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import { type ItemKey, type RecordStore, StoreUnavailable, type Write } from '#shared/ports/record-store.ts';
import { kindOfPartition, type PartitionedName, partitions } from '#shared/repositories/partitions.ts';

/** What IAM is asked about one request, or one part of a transaction. */
export interface TableAccess {
  readonly action: string;
  readonly on: PartitionedName;
  readonly partitionKeys: readonly string[];
}

export interface Used {
  readonly accesses: TableAccess[];
  readonly bridge: Set<BridgeOperationName>;
}

export const nothingUsed = (): Used => ({ accesses: [], bridge: new Set() });

export const nameOf = ({ action, on, leading }: Grant): string => `${action} on ${on}${leading === undefined ? '' : ` of ${leading}`}`;

/** In the words of a grant, one per partition. */
export const namesOf = ({ action, on, partitionKeys }: TableAccess): string[] =>
  partitionKeys.map((pk) => {
    const kind = kindOfPartition(on, pk);
    return `${action} on ${on} of ${kind === undefined ? pk : leadingPattern(on, kind as never)}`;
  });

export const usedNames = ({ accesses }: Used): ReadonlySet<string> => new Set(accesses.flatMap(namesOf));

/**
 * As lambdas/adapters/dynamodb-store.ts turns the port's requests into DynamoDB's, and IAM those into actions: a batch asks once per table with all its keys, a
 * transaction once per item (Amazon DynamoDB Developer Guide, "Using IAM with DynamoDB transactions"). The answer of each change is lost, so that what is done
 * then is recorded too.
 */
export function recordingStore(store: RecordStore, { accesses }: Used): RecordStore {
  const note = (action: string, on: PartitionedName, ...partitionKeys: string[]) => accesses.push({ action: `dynamodb:${action}`, on, partitionKeys });
  return {
    getMany(keys: readonly ItemKey[]) {
      for (const [table, ofTable] of Map.groupBy(keys, (key) => key.table)) note(keys.length === 1 ? 'GetItem' : 'BatchGetItem', table, ...ofTable.map(({ pk }) => pk));
      return store.getMany(keys);
    },
    query(query) {
      note('Query', (query.index === undefined ? query.table : `${query.table}/${query.index}`) as PartitionedName, query.pk);
      return store.query(query);
    },
    async transact(writes: readonly Write[], options) {
      for (const write of writes) {
        if ('put' in write) note('PutItem', write.put.table, write.put.pk);
        else if ('delete' in write) note('DeleteItem', write.delete.table, write.delete.pk);
        else note('ConditionCheckItem', write.check.table, write.check.pk);
      }
      await store.transact(writes, options);
      if (writes.some((write) => 'put' in write && write.put.pk.startsWith(partitions.core.outbox))) throw new StoreUnavailable('The answer was lost.', { outcomeUnknown: true });
    },
  };
}

export function recordingCrypto(crypto: Crypto, used: Used): Crypto {
  return new Proxy(crypto, {
    get(target, member) {
      const name = String(member).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) as BridgeOperationName;
      if (name in bridgeOperations) used.bridge.add(name);
      return Reflect.get(target, member) as unknown;
    },
  });
}

/** What was used and is not granted, to the tables or at the bridge. */
export function violations(used: Used, grants: readonly Grant[]): string[] {
  const granted = new Set(grants.map(nameOf));
  const classes = grants.flatMap(({ on }) => (on.startsWith('bridgeSecret/') ? [on.slice('bridgeSecret/'.length) as CallerClass] : []));
  const refusedByBridge = [...used.bridge].filter((name) => !classes.some((callerClass) => (bridgeOperations[name].classes as readonly CallerClass[]).includes(callerClass)));
  return [...[...usedNames(used)].filter((name) => !granted.has(name)), ...refusedByBridge.map((name) => `bridge ${name}`)].sort();
}

/** What is granted on tables and was not used. One item and several are read by two actions; which of them is a matter of what is known already. */
export function unused(used: Used, grants: readonly Grant[]): string[] {
  const asRead = (name: string) => name.replace('dynamodb:BatchGetItem', 'dynamodb:GetItem');
  const names = new Set([...usedNames(used)].map(asRead));
  return grants
    .filter(({ action }) => action.startsWith('dynamodb:'))
    .map(nameOf)
    .filter((name) => !names.has(asRead(name)));
}
