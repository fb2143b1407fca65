/**
 * One transaction per change: the sealed rows, and an outbox row that holds the change's audit record. Both land or neither does, so a change
 * without a record cannot exist (docs/adr/0006).
 */
import type { AuditRecord } from '#shared/audit/audit-record.ts';
import type { Operation } from '#shared/operation.ts';
import type { Committer } from '#shared/ports/ports.ts';
import { type ItemKey, type RecordStore, StoreUnavailable, TransactionCancelled, type Write } from '#shared/ports/record-store.ts';
import { kindOfPartition, type RowKind } from '#shared/repositories/partitions.ts';
import { toBody } from '#shared/repositories/records.ts';
import { isDueNow, outboxDueIndex, outboxRow } from '#shared/repositories/rows.ts';
import { sealWrites } from '#shared/repositories/seal.ts';
import type { Service } from './service.ts';

/** A condition did not hold: somebody else changed the record first. The pipeline runs the operation again on fresh records. */
export class ConcurrentChange extends Error {
  override readonly name = 'ConcurrentChange';
}

type CommittingService = Pick<Service, 'store' | 'crypto' | 'rows' | 'onCommit'>;
type ChangingOperation = Pick<Operation, 'name' | 'changes' | 'removes'>;
type CreatedResource = { readonly arn: string; readonly role: string };

export class RequestCommitter implements Committer {
  readonly #service: CommittingService;
  readonly #operation: ChangingOperation;
  readonly #successRecord: (created: readonly CreatedResource[]) => AuditRecord;
  #committed = false;

  constructor(service: CommittingService, operation: ChangingOperation, successRecord: (created: readonly CreatedResource[]) => AuditRecord) {
    this.#service = service;
    this.#operation = operation;
    this.#successRecord = successRecord;
  }

  /** Whether the request's change, and so its audit record, is durable. */
  get committed(): boolean {
    return this.#committed;
  }

  async commit(writes: readonly Write[], created: readonly CreatedResource[] = []): Promise<void> {
    if (this.#committed) throw new Error('An operation commits once.');
    requireDeclared(this.#operation, writes);
    const record = this.#successRecord(created);
    const outbox: Write = {
      put: { ...outboxRow(record.eventId), rev: 1, body: toBody(record), index: { due: outboxDueIndex(record.eventId, Date.parse(record.time)) } },
      if: { absent: true },
    };
    const { store, crypto, rows, onCommit } = this.#service;
    const sealed = await sealWrites(crypto, writes);
    try {
      await store.transact([...sealed, outbox]);
    } catch (error) {
      if (error instanceof TransactionCancelled) throw new ConcurrentChange(error.message, { cause: error });
      if (!(error instanceof StoreUnavailable && error.outcomeUnknown && (await landed(store, record)))) throw error;
    }
    this.#committed = true;
    rows.noteWritten(writes.flatMap((write) => ('put' in write ? [write.put] : [])));
    onCommit?.({ dueNow: writes.some((write) => 'put' in write && isDueNow(write.put)) });
  }
}

/** After a lost answer the outbox row tells whether the transaction was applied. */
async function landed(store: RecordStore, record: AuditRecord): Promise<boolean> {
  try {
    const [item] = await store.getMany([outboxRow(record.eventId)]);
    return item !== undefined;
  } catch {
    return false;
  }
}

/** Writing is declared, so that what a stolen role could write is known. @throws Error for an operation that writes more */
function requireDeclared({ name, changes = [], removes = [] }: Pick<Operation, 'name' | 'changes' | 'removes'>, writes: readonly Write[]): void {
  const isDeclared = ({ table, pk }: ItemKey, kinds: readonly RowKind[]) => table === 'material' || (table === 'core' && kinds.some((kind) => kind === kindOfPartition(table, pk)));
  for (const write of writes) {
    if ('put' in write && !isDeclared(write.put, changes)) throw new Error(`${name} does not declare that it changes ${write.put.pk.split('#', 1)}.`);
    if ('delete' in write && !isDeclared(write.delete, removes)) throw new Error(`${name} does not declare that it removes ${write.delete.pk.split('#', 1)}.`);
  }
}
