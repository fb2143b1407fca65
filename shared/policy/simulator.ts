/** Would this be allowed, and why: the rules of decide.ts for a principal that is not the caller. Nothing is done. */
import type { Caller } from '#shared/pipeline/caller.ts';
import type { AccessReader } from '#shared/repositories/access-reader.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { RowReader } from '#shared/repositories/row-reader.ts';
import type { Decision } from './decide.ts';
import type { PolicyCache } from './policy-cache.ts';
import { identityOf, openRequestAccess } from './request-access.ts';
import type { Fact } from './request-facts.ts';

export interface Simulation {
  readonly principal: Caller;
  /** `kms:Encrypt` */
  readonly action: string;
  /** What the action is about; without one the resource decides by identity documents alone. */
  readonly key: LoadedKey | undefined;
  readonly resource: string;
  /** Condition keys in lower case. They win over what is known of the principal and the key. */
  readonly facts: ReadonlyMap<string, Fact>;
  readonly encryptionContext: Readonly<Record<string, string>>;
  /** The documents of another account are that account's business: its side then counts as given. */
  readonly withDocuments: boolean;
  readonly now: number;
}

export interface Simulator {
  decide(simulation: Simulation): Promise<Decision>;
}

interface Settings {
  readonly reader: AccessReader;
  readonly rows: RowReader;
  readonly policies: PolicyCache;
  readonly partition: string;
}

const anything = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } });

export function createSimulator({ reader, rows, policies, partition }: Settings): Simulator {
  return {
    async decide({ principal: caller, action, key, resource, facts, encryptionContext, withDocuments, now }) {
      const identity = identityOf(caller);
      const snapshot = rows.open();
      const { always, ofKey } = reader.rowsFor(identity);
      await snapshot.load([...always, ...(key === undefined ? [] : ofKey(key.record))]);
      const read = await reader.read(identity, snapshot, key === undefined ? [] : [key.record]);
      const principal = withDocuments ? read : { ...read, documents: [{ role: 'the other account', policy: policies.get(anything, 'identity') }] };
      const operation = action.slice(action.indexOf(':') + 1);
      const access = await openRequestAccess({
        principal,
        reader,
        policies,
        source: { operation, input: { EncryptionContext: encryptionContext }, caller, partition, now, sourceIp: '', userAgent: undefined },
        keys: key === undefined ? {} : { key },
        factsOf: (_, base) => ({ get: (name) => (facts.has(name) ? facts.get(name) : base.get(name)) }),
      });
      return key === undefined ? access.byIdentity(action, resource) : access.onKey(action, key);
    },
  };
}
