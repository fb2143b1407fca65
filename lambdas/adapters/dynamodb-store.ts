/** The record store on AWS: three DynamoDB tables. */
import type { PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { type Item, type ItemKey, type RecordStore, StoreUnavailable, TransactionCancelled, tableNames, type Write, type WriteReason } from '#shared/ports/record-store.ts';
import { checkKeys, checkQuery, checkWrites, itemName, sortKeyRange } from '#shared/ports/record-store-rules.ts';
import { CallFailed, call, Deadline, reasonsOf } from './dynamodb-calls.ts';
import type { DynamoDbClient } from './dynamodb-client.ts';
import { type Attributes, type PhysicalNames, toAttributes, toCondition, toItem, toKey, toPage, toQueryInput, toTransactItem } from './dynamodb-items.ts';
import { attribute } from './dynamodb-tables.ts';

export interface DynamoDbStoreOptions {
  readonly client: DynamoDbClient;
  readonly tables: PhysicalNames;
  /** For one call of the store, its repeats included. */
  readonly deadlineMs?: number;
}

interface Access {
  readonly client: DynamoDbClient;
  readonly tables: PhysicalNames;
  readonly deadline: Deadline;
}

export function createDynamoDbStore({ client, tables, deadlineMs = 4000 }: DynamoDbStoreOptions): RecordStore {
  const access = (): Access => ({ client, tables, deadline: new Deadline(deadlineMs) });
  return {
    async getMany(keys) {
      checkKeys(keys);
      if (keys.length === 0) return [];
      return unwrapped(keys.length === 1 ? getOne(access(), keys[0]!) : getBatch(access(), keys));
    },
    async query(query) {
      checkQuery(query);
      const range = sortKeyRange(query);
      if (range === undefined) return { items: [] };
      const { deadline } = access();
      const input = toQueryInput(tables, query, range);
      const output = await unwrapped(call((abortSignal) => client.send('Query', input, { abortSignal }), { deadline, writes: false }));
      return toPage(query, range, output.Items ?? [], output.LastEvaluatedKey);
    },
    async transact(writes, { token } = {}) {
      checkWrites(writes, token);
      const [only] = writes;
      if (writes.length === 1 && token === undefined && 'put' in only!) return putOne(access(), only);
      if (writes.length === 1 && token === undefined && 'delete' in only! && only.if === undefined) return unwrapped(deleteOne(access(), only.delete));
      // Always with a token, so that a repeat after a lost answer is safe.
      return transactAll(access(), writes, token ?? crypto.randomUUID());
    },
  };
}

async function getOne({ client, tables, deadline }: Access, key: ItemKey): Promise<readonly (Item | undefined)[]> {
  const input = { TableName: tables[key.table], Key: toKey(key), ConsistentRead: true };
  const output = await call((abortSignal) => client.send('GetItem', input, { abortSignal }), { deadline, writes: false });
  return [output.Item === undefined ? undefined : toItem(key.table, output.Item)];
}

async function getBatch({ client, tables, deadline }: Access, keys: readonly ItemKey[]): Promise<readonly (Item | undefined)[]> {
  const wanted = new Map(keys.map((key) => [itemName(key), key]));
  let request = Object.fromEntries(
    tableNames.flatMap((table) => {
      const ofTable = [...wanted.values()].filter((key) => key.table === table);
      return ofTable.length === 0 ? [] : [[tables[table], { Keys: ofTable.map(toKey), ConsistentRead: true }]];
    }),
  );
  const found = new Map<string, Item>();
  for (let attempt = 0; ; attempt++) {
    const input = { RequestItems: request };
    const output = await call((abortSignal) => client.send('BatchGetItem', input, { abortSignal }), { deadline, writes: false });
    for (const table of tableNames) {
      for (const attributes of output.Responses?.[tables[table]] ?? []) {
        const item = toItem(table, attributes);
        found.set(itemName(item), item);
      }
    }
    // A batch may answer in part: when it is large, or when a table is throttled.
    const rest = output.UnprocessedKeys ?? {};
    if (Object.keys(rest).length === 0) return keys.map((key) => found.get(itemName(key)));
    if (!(await deadline.pause(attempt))) throw new StoreUnavailable('DynamoDB did not answer for all keys in time.');
    request = rest as typeof request;
  }
}

/** Half the price of a transaction. The write id tells, when an answer was lost, whether the write that stands is ours. */
async function putOne({ client, tables, deadline }: Access, write: Extract<Write, { put: Item }>): Promise<void> {
  const writeId = crypto.randomUUID().slice(0, 23);
  const input: PutItemCommandInput = {
    TableName: tables[write.put.table],
    Item: { ...toAttributes(write.put), [attribute.writeId]: { S: writeId } },
    ...toCondition(write.if),
    ...(write.if === undefined ? {} : { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
  };
  try {
    await call((abortSignal) => client.send('PutItem', input, { abortSignal }), { deadline, writes: true });
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    if (error.answer.name !== 'ConditionalCheckFailedException') throw refusalOf(error);
    if (!error.mayHaveBeenApplied) throw cancelled('condition');
    const standing = error.answer.details.Item as Attributes | undefined;
    if (standing?.[attribute.writeId]?.S === writeId) return;
    // Revisions only rise. What stands at our revision or below it, and is not ours, was not written over ours.
    if (standing !== undefined && Number(standing[attribute.rev]?.N) <= write.put.rev) throw cancelled('condition');
    throw new StoreUnavailable('The answer of DynamoDB was lost, and the item has changed since.', { cause: error.answer, outcomeUnknown: true });
  }
}

async function deleteOne({ client, tables, deadline }: Access, key: ItemKey): Promise<void> {
  const input = { TableName: tables[key.table], Key: toKey(key) };
  await call((abortSignal) => client.send('DeleteItem', input, { abortSignal }), { deadline, writes: true });
}

async function transactAll({ client, tables, deadline }: Access, writes: readonly Write[], token: string): Promise<void> {
  const input = { TransactItems: writes.map((write) => toTransactItem(tables, write)), ClientRequestToken: token };
  try {
    await call((abortSignal) => client.send('TransactWriteItems', input, { abortSignal }), { deadline, writes: true });
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    if (error.answer.name === 'IdempotentParameterMismatchException') throw new RangeError('The transaction token was used for another transaction.', { cause: error.answer });
    if (error.answer.name !== 'TransactionCanceledException') throw refusalOf(error);
    const reasons = reasonsOf(error.answer).map(toReason);
    // A reason such as ValidationError is a fault of ours and no verdict on the conditions.
    if (reasons.length !== writes.length || reasons.includes(undefined)) throw error.answer;
    throw new TransactionCancelled(reasons as WriteReason[]);
  }
}

function toReason(code: string): WriteReason | undefined {
  if (code === 'None') return { failed: false };
  if (code === 'ConditionalCheckFailed') return { failed: true, cause: 'condition' };
  return code === 'TransactionConflict' ? { failed: true, cause: 'conflict' } : undefined;
}

function cancelled(cause: 'condition' | 'conflict'): TransactionCancelled {
  return new TransactionCancelled([{ failed: true, cause }]);
}

/** A write of one item, or a read, meets a transaction that is under way on the item. */
function refusalOf(failed: CallFailed): Error {
  if (failed.answer.name !== 'TransactionConflictException') return failed.answer;
  return cancelled('conflict');
}

async function unwrapped<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof CallFailed ? refusalOf(error) : error;
  }
}
