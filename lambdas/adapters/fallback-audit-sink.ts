import type { AuditSink } from '#shared/ports/audit-sink.ts';

/** Tries the sinks in order. Rejects only when none took the record: the caller then withholds its answer. */
export function createFallbackAuditSink(sinks: readonly AuditSink[]): AuditSink {
  return {
    async append(record) {
      const failures: unknown[] = [];
      for (const sink of sinks) {
        try {
          await sink.append(record);
          return;
        } catch (error) {
          failures.push(error);
        }
      }
      throw new AggregateError(failures, 'No audit sink took the record.');
    },
  };
}
