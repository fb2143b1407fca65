import type { Alarm, AuditRecord } from '#shared/audit/audit-record.ts';

export interface AuditSink {
  /** Resolves once the record is durable. Rejects when it cannot be recorded: the caller then withholds its answer (fail closed). */
  append(record: AuditRecord): Promise<void>;
}

export interface AlarmSink {
  /** Never throws, never blocks. */
  raise(alarm: Alarm): void;
}
