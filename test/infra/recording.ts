/** Stores and bridges that note what is asked of them, in the words of cdk/grants.ts. */
import type { Grant, ResourceName } from '#cdk/grants.ts';
import { type BridgeOperationName, bridgeOperations, type CallerClass } from '#shared/bridge-protocol.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { ItemKey, RecordStore, Write } from '#shared/ports/record-store.ts';

export interface Used {
  readonly grants: Set<string>;
  readonly bridge: Set<BridgeOperationName>;
}

export const nameOf = (grant: Grant): string => `${grant.action} on ${grant.on}`;

/** As lambdas/adapters/dynamodb-store.ts turns the port's requests into DynamoDB's, and IAM those into actions. */
export function recordingStore(store: RecordStore, used: Used): RecordStore {
  const note = (action: string, on: ResourceName) => used.grants.add(`dynamodb:${action} on ${on}`);
  return {
    getMany(keys: readonly ItemKey[]) {
      for (const { table } of keys) note(keys.length === 1 ? 'GetItem' : 'BatchGetItem', table);
      return store.getMany(keys);
    },
    query(query) {
      note('Query', (query.index === undefined ? query.table : `${query.table}/${query.index}`) as ResourceName);
      return store.query(query);
    },
    transact(writes: readonly Write[], options) {
      for (const write of writes) {
        if ('put' in write) note('PutItem', write.put.table);
        else if ('delete' in write) note('DeleteItem', write.delete.table);
        else note('ConditionCheckItem', write.check.table);
      }
      return store.transact(writes, options);
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
  return [...[...used.grants].filter((name) => !granted.has(name)), ...refusedByBridge.map((name) => `bridge ${name}`)].sort();
}
