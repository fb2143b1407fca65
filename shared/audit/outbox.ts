/**
 * Publishes the audit records that changes committed with themselves. Delivery is at least once: a crash between the append and the removal of
 * the row repeats the record, and sinks drop repeats by eventId.
 */
import type { AuditSink } from '#shared/ports/audit-sink.ts';
import type { Item, RecordStore } from '#shared/ports/record-store.ts';
import { dueShards, outboxDuePartition } from '#shared/repositories/rows.ts';
import type { AuditRecord } from './audit-record.ts';

export interface OutboxPublisher {
  /** Publishes what is waiting. One run at a time: a call during a run makes that run look again. @throws what the sink or the store throws */
  drain(): Promise<void>;
}

const pageSize = 50;

export function createOutboxPublisher(adapters: { store: Pick<RecordStore, 'query' | 'transact'>; audit: AuditSink }): OutboxPublisher {
  let running: Promise<void> | undefined;
  let askedAgain = false;

  async function drainShard(shard: number): Promise<void> {
    for (;;) {
      const { items } = await adapters.store.query({ table: 'core', index: 'due', pk: outboxDuePartition(shard), limit: pageSize });
      if (items.length === 0) return;
      await Promise.all(items.map((item) => adapters.audit.append(outboxRecord(item))));
      await adapters.store.transact(items.map(({ table, pk, sk }) => ({ delete: { table, pk, sk } })));
      // A lagging index shows rows that are gone already: the next timer run sees to the rest.
      if (items.length < pageSize) return;
    }
  }

  async function run(): Promise<void> {
    do {
      askedAgain = false;
      for (let shard = 0; shard < dueShards; shard += 1) await drainShard(shard);
    } while (askedAgain);
  }

  return {
    drain() {
      if (running !== undefined) {
        askedAgain = true;
        return running;
      }
      running = run().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

/** How long the oldest record has been waiting; 0 when none is. */
export async function outboxAgeSeconds(store: Pick<RecordStore, 'query'>, now: number): Promise<number> {
  const shards = Array.from({ length: dueShards }, (_, shard) => store.query({ table: 'core', index: 'due', pk: outboxDuePartition(shard), limit: 1 }));
  const committed = (await Promise.all(shards)).flatMap(({ items }) => items.map((item) => Date.parse(outboxRecord(item).time)));
  return committed.length === 0 ? 0 : Math.max(0, now - Math.min(...committed)) / 1000;
}

/** The outbox is written by the pipeline only; its rows are audit records. */
export const outboxRecord = (item: Pick<Item, 'body'>): AuditRecord => item.body as unknown as AuditRecord;
