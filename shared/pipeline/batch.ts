/**
 * A request of many items: each one is a request of the single operation, with its own validation, authorization, rules, result and error. What they
 * share is one read of the store, one round trip to the bridge and one audit record (docs/adr/0024).
 */
import { KmsError } from '#shared/errors.ts';
import type { JsonObject } from '#shared/json.ts';
import type { Context, Operation } from '#shared/operation.ts';
import { identityOf } from '#shared/policy/request-access.ts';
import { Work } from '#shared/policy/work.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import type { Ports } from '#shared/ports/ports.ts';
import type { PrincipalAccess } from '#shared/repositories/access-reader.ts';
import { type KeyReference, type LoadedKey, parseReference } from '#shared/repositories/key-reader.ts';
import { CorruptRow } from '#shared/repositories/records.ts';
import { type RowSnapshot, SealBroken } from '#shared/repositories/row-reader.ts';
import { type AuthorizedRequest, authorizeFound, checkTokens, foundKeys, type Lookups } from './authorize-request.ts';
import { CallCollector } from './call-collector.ts';
import type { OperationRequest } from './execute.ts';
import { keyReferences } from './key-references.ts';
import type { Service } from './service.ts';
import { toKmsError } from './to-kms-error.ts';
import { parseInput } from './validate.ts';

type Keys = Readonly<Record<string, LoadedKey>>;
type ItemContext = Context<keyof Ports, never, string>;

export interface Batch {
  readonly service: Service;
  readonly request: OperationRequest;
  /** The single operation. */
  readonly operation: Operation;
  readonly members: readonly unknown[];
  readonly now: number;
  /** Usage, state and DryRun rules of a single request. @throws KmsError */
  readonly admit: (input: Record<string, unknown>, authorized: AuthorizedRequest) => ItemContext;
  /** The bridge refused the material of an item: an alarm. */
  readonly onMaterialRefused: (keys: Keys) => void;
}

export interface BatchItem {
  input?: Record<string, unknown>;
  references: Readonly<Record<string, KeyReference>>;
  keys: Keys;
  lookups: Lookups;
  output?: Record<string, unknown> | undefined;
  failure?: KmsError;
}

/**
 * @returns the items in the order given, each with its output or its failure
 * @throws what concerns no item in particular: the store is down, or no call of the batch reached the bridge
 */
export async function runBatch(batch: Batch): Promise<readonly BatchItem[]> {
  const items = batch.members.map((member) => readItem(batch, member));
  await Promise.all(items.map((item) => attempt(item, () => checkTokens(batch.service, item.input!))));
  const snapshot = batch.service.rows.open();
  await findKeys(batch, items, snapshot);
  const readPrincipal = await principalReader(batch, items, snapshot);
  const work = Work.ofBatch();
  const admitted: { item: BatchItem; context: ItemContext }[] = [];
  for (const item of items) {
    const context = await attempt(item, async () => {
      const found = { operation: batch.operation, input: item.input!, lookups: item.lookups, now: batch.now, work };
      return batch.admit(item.input!, await authorizeFound(batch.service, batch.request, found, readPrincipal));
    });
    if (context !== undefined) admitted.push({ item, context });
  }
  const collector = new CallCollector((calls) => batch.service.ports.cipher.batch(calls), admitted.length);
  const [first] = admitted;
  if (first !== undefined) {
    const ports = portsOf(first.context.ports, collector);
    await Promise.all(admitted.map(({ item, context }) => runItem(batch, item, { ...context, ports }, collector)));
  }
  if (collector.lost !== undefined && admitted.every(({ item }) => item.failure !== undefined)) throw collector.lost;
  return items;
}

/** Items in the answer: the members of the single operation's answer, or what it would have been refused with. */
export function batchOutput(items: readonly BatchItem[]): { Results: Record<string, unknown>[]; FailedCount: number } {
  const Results = items.map(({ output, failure }) =>
    failure === undefined ? { Output: output ?? {} } : { Error: { Code: failure.code, ...(failure.publicMessage === undefined ? {} : { Message: failure.publicMessage }) } },
  );
  return { Results, FailedCount: items.filter(({ failure }) => failure !== undefined).length };
}

const identifierLengthMax = 256;

/** For the audit record: which keys, and what became of it. Nothing else of the item. */
export function batchParameters(items: readonly BatchItem[], outcomeOf: (failure: KmsError | undefined) => string): JsonObject {
  return {
    failedCount: items.filter(({ failure }) => failure !== undefined).length,
    items: items.map(({ references, keys, failure }, index) => ({
      index,
      keys: Object.fromEntries(Object.entries(references).map(([role, { identifier }]) => [role, keys[role]?.arn ?? identifier.slice(0, identifierLengthMax)])),
      outcome: outcomeOf(failure),
      ...(failure === undefined ? {} : { errorCode: failure.code }),
    })),
  };
}

function readItem({ service: { partition }, operation, request: { caller, strict } }: Batch, member: unknown): BatchItem {
  const item: BatchItem = { references: {}, keys: {}, lookups: {} };
  try {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) throw new KmsError('SerializationException', 'An item of the batch is not a JSON object.');
    item.input = parseInput(operation, member as Record<string, unknown>, strict);
    // One answer, one enclave: a document takes longer to check than an item to run.
    if (item.input.Recipient !== undefined) throw new KmsError('ValidationException', 'An item of a batch takes no Recipient.');
    const references = keyReferences(operation, item.input);
    item.references = references;
    for (const reference of Object.values(references)) parseReference(reference, caller, partition);
  } catch (error) {
    item.failure = toKmsError(error);
  }
  return item;
}

async function findKeys({ service, request: { caller }, operation }: Batch, items: readonly BatchItem[], snapshot: RowSnapshot): Promise<void> {
  const readable = items.filter((item) => item.failure === undefined);
  const accompanying = service.accessReader.rowsFor(identityOf(caller));
  const find = (references: Readonly<Record<string, KeyReference>>) => service.keyReader.find(references, caller, operation.material === true, snapshot, accompanying);
  try {
    // Items that mean the same key in the same way share one look-up.
    const distinct: Record<string, KeyReference> = {};
    const named = readable.map((item) => ({ item, roles: Object.entries(item.references).map(([role, reference]) => [role, nameOf(reference), reference] as const) }));
    for (const { roles } of named) for (const [, name, reference] of roles) distinct[name] ??= reference;
    const all = await find(distinct);
    for (const { item, roles } of named) takeLookups(item, Object.fromEntries(roles.map(([role, name]) => [role, all[name]!])));
  } catch (error) {
    if (!(error instanceof SealBroken || error instanceof CorruptRow)) throw error;
    // Somebody wrote to the database. Only the items that name that row fail.
    for (const item of readable) await attempt(item, async () => takeLookups(item, await find(item.references)));
  }
}

/** The identifier comes last: whatever it holds, no two references have one name. */
const nameOf = ({ accepts, region, version, accepted, fromCiphertext, identifier }: KeyReference): string =>
  `${accepts} ${region ?? ''} ${version ?? ''} ${accepted === true} ${fromCiphertext === true} ${identifier}`;

function takeLookups(item: BatchItem, lookups: Lookups): void {
  item.lookups = lookups;
  item.keys = foundKeys(lookups);
}

/** What decides over the caller, read once for all keys of the batch. When a row of that is broken, only the items that need it fail. */
async function principalReader({ service, request }: Batch, items: readonly BatchItem[], snapshot: RowSnapshot): Promise<(keys: Keys) => Promise<PrincipalAccess>> {
  const read = (keys: readonly LoadedKey[]) =>
    service.accessReader.read(
      identityOf(request.caller),
      snapshot,
      keys.map(({ record }) => record),
    );
  try {
    // Each key once: what is read of a key twice would be counted twice.
    const all = await read([...new Map(items.flatMap((item) => Object.values(item.keys).map((key) => [key.arn, key]))).values()]);
    return async () => all;
  } catch (error) {
    if (!(error instanceof SealBroken || error instanceof CorruptRow)) throw error;
    return (keys) => read(Object.values(keys));
  }
}

/** The same for all items: what they ask of the HSM goes to the collector. Pairs are generated one by one: no operation that has a batch makes them. */
function portsOf(ports: ItemContext['ports'], { calls }: CallCollector): ItemContext['ports'] {
  return { ...ports, cipher: { ...calls, generateDataKeyPair: ports.cipher.generateDataKeyPair }, signer: calls, mac: calls };
}

async function runItem({ operation, onMaterialRefused }: Batch, item: BatchItem, context: ItemContext, collector: CallCollector): Promise<void> {
  try {
    item.output = await operation.run(context, item.input!);
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'material-refused') onMaterialRefused(item.keys);
    item.failure = toKmsError(error);
  } finally {
    collector.end();
  }
}

async function attempt<T>(item: BatchItem, action: () => Promise<T>): Promise<T | undefined> {
  if (item.failure !== undefined) return undefined;
  try {
    return await action();
  } catch (error) {
    item.failure = toKmsError(error);
    return undefined;
  }
}
