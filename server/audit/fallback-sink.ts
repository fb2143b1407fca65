import type { AuditSink } from '#shared/ports/audit-sink.ts';

/** The first sink that can record a record does; when none can, the caller fails closed. Precondition: at least one sink. */
export function createFallbackSink(sinks: readonly AuditSink[]): AuditSink {
  return {
    async append(record) {
      const errors: unknown[] = [];
      for (const sink of sinks) {
        try {
          await sink.append(record);
          return;
        } catch (error) {
          errors.push(error);
        }
      }
      throw new AggregateError(errors, 'No audit sink could record the record.');
    },
  };
}
