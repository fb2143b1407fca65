/** The journal and the lease of the reconciler: one item of a table. Whoever drives it (CloudFormation, the schedule, an operator) takes turns by it. */
import { randomUUID } from 'node:crypto';
import type { Journal } from '#shared/cloudhsm/observation.ts';
import { type JournalLease, type JournalStore, LeaseLost } from '#shared/cloudhsm/ports.ts';
import { journalPartition } from '#shared/cloudhsm/settings.ts';
import { CallFailed, call, Deadline } from '../adapters/dynamodb-calls.ts';
import type { DynamoDbClient } from '../adapters/dynamodb-client.ts';

const timeoutMs = 5000;
const key = { pk: { S: journalPartition } };

interface Row {
  readonly journal: Journal;
  readonly owner: string;
  readonly until: number;
  /** 0: there is no row yet. */
  readonly rev: number;
}

export function createJournalTable(client: DynamoDbClient, TableName: string): JournalStore {
  async function get(): Promise<Row> {
    const send = (abortSignal: AbortSignal) => client.send('GetItem', { TableName, Key: key, ConsistentRead: true }, { abortSignal });
    const { Item } = await call(send, { deadline: new Deadline(timeoutMs), writes: false });
    if (Item === undefined) return { journal: {}, owner: '', until: 0, rev: 0 };
    return { journal: JSON.parse(Item.journal?.S ?? '{}') as Journal, owner: Item.owner?.S ?? '', until: Number(Item.until?.N), rev: Number(Item.rev?.N) };
  }

  /** @returns false when somebody else was there first */
  async function put(row: Row): Promise<boolean> {
    const Item = { ...key, journal: { S: JSON.stringify(row.journal) }, owner: { S: row.owner }, until: { N: String(row.until) }, rev: { N: String(row.rev) } };
    const before = row.rev - 1;
    const condition =
      before === 0 ? { ConditionExpression: 'attribute_not_exists(pk)' } : { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': { N: String(before) } } };
    try {
      await call((abortSignal) => client.send('PutItem', { TableName, Item, ...condition }, { abortSignal }), { deadline: new Deadline(timeoutMs), writes: true });
      return true;
    } catch (error) {
      if (!(error instanceof CallFailed && error.answer.name === 'ConditionalCheckFailedException')) throw error;
      if (!error.mayHaveBeenApplied) return false;
      // The answer to the first attempt was lost: the condition fails because the row is there already.
      const { owner, rev } = await get();
      return owner === row.owner && rev === row.rev;
    }
  }

  return {
    read: async () => (await get()).journal,

    async acquire(now, durationMs): Promise<JournalLease | undefined> {
      const found = await get();
      if (found.owner !== '' && found.until > now) return undefined;
      let row: Row = { ...found, owner: randomUUID(), until: now + durationMs, rev: found.rev + 1 };
      if (!(await put(row))) return undefined;
      async function write(changes: Partial<Row>): Promise<void> {
        row = { ...row, ...changes, rev: row.rev + 1 };
        if (!(await put(row))) throw new LeaseLost();
      }
      return {
        journal: found.journal,
        until: row.until,
        save: (journal) => write({ journal }),
        release: (journal) => write({ journal, owner: '', until: 0 }),
      };
    },
  };
}
