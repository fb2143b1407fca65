/** Audit records as events on the service's bus. */
import { auditDetailType, eventSource } from '#shared/audit/event-names.ts';
import type { AuditSink } from '#shared/ports/audit-sink.ts';
import type { EventBridge } from './aws-services.ts';
import { repeatOnce } from './repeat-once.ts';

export interface EventBridgeAuditSinkOptions {
  readonly client: EventBridge;
  readonly busName: string;
  readonly timeoutMs?: number;
}

export function createEventBridgeAuditSink({ client, busName, timeoutMs = 1500 }: EventBridgeAuditSinkOptions): AuditSink {
  return {
    async append(record) {
      const entry = {
        EventBusName: busName,
        Source: eventSource,
        DetailType: auditDetailType,
        Time: new Date(record.time),
        Resources: record.resources.map((resource) => resource.arn),
        Detail: JSON.stringify(record),
      };
      const answer = await repeatOnce(timeoutMs, (options) => client.send('PutEvents', { Entries: [entry] }, options));
      // PutEvents answers 200 even when it took nothing: each entry says for itself.
      const [result] = answer.Entries ?? [];
      if (answer.FailedEntryCount !== 0 || result?.EventId === undefined || result.ErrorCode !== undefined) {
        throw new Error(`The event bus did not take an audit record: ${result?.ErrorCode ?? 'no answer for the entry'}.`);
      }
    },
  };
}
