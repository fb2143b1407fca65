/** The second place for audit records, for when the event bus does not take them. The archiver reads this queue too, so nothing has to be moved by hand. */
import type { AuditSink } from '#shared/ports/audit-sink.ts';
import type { Sqs } from './aws-services.ts';
import { repeatOnce } from './repeat-once.ts';

export interface SqsAuditSinkOptions {
  readonly client: Sqs;
  readonly queueUrl: string;
  readonly timeoutMs?: number;
}

export function createSqsAuditSink({ client, queueUrl, timeoutMs = 1500 }: SqsAuditSinkOptions): AuditSink {
  return {
    async append(record) {
      const answer = await repeatOnce(timeoutMs, (options) => client.send('SendMessage', { QueueUrl: queueUrl, MessageBody: JSON.stringify(record) }, options));
      if (answer.MessageId === undefined) throw new Error('The audit queue did not take an audit record.');
    },
  };
}
