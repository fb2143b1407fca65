import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/**
 * Works on each message and reports the ones that failed, so that only those are delivered again.
 * @param work tells by throwing that the message must come again
 */
export async function reportFailures(event: SQSEvent, work: (record: SQSRecord) => Promise<void>): Promise<SQSBatchResponse> {
  const outcomes = await Promise.allSettled(event.Records.map(work));
  return { batchItemFailures: outcomes.flatMap((outcome, at) => (outcome.status === 'rejected' ? [{ itemIdentifier: event.Records[at]!.messageId }] : [])) };
}
