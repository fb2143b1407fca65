import { Duration, type Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type CfnQueue, Queue, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { queueKeyStatement } from './service-resources.ts';

export interface WorkQueueProps {
  /** Six times the worker's own timeout, as Lambda wants it. */
  readonly workerTimeoutSeconds: number;
  readonly receivesMax: number;
  readonly key: IKey;
}

const keptFor = Duration.days(14);
/** How long SQS uses a data key before it asks AWS KMS for another: a short disturbance of KMS goes unnoticed. */
const dataKeySeconds = 3600;

/**
 * A queue under a key of ours. Not by the CDK's own property: for such a queue it lets every rule of the account send, instead of the one rule, and widens the
 * policy of the key.
 */
export function ownQueue(scope: Construct, id: string, key: IKey, props: QueueProps = {}): Queue {
  const queue = new Queue(scope, id, { enforceSSL: true, retentionPeriod: keptFor, ...props });
  const resource = queue.node.defaultChild as CfnQueue;
  resource.kmsMasterKeyId = key.keyArn;
  resource.kmsDataKeyReusePeriodSeconds = dataKeySeconds;
  return queue;
}

/** A queue with its dead-letter queue: what cannot be done is kept for two weeks for a person to look at. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { workerTimeoutSeconds, receivesMax, key }: WorkQueueProps) {
    super(scope, id);
    this.deadLetters = ownQueue(this, 'DeadLetters', key);
    this.queue = ownQueue(this, 'Queue', key, {
      visibilityTimeout: Duration.seconds(workerTimeoutSeconds * 6),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: receivesMax },
    });
  }
}

/** What Lambda does with a worker's role to feed it from queues. */
export const receiveStatements = (queues: readonly Queue[], key: IKey, stack: Stack): PolicyStatement[] => {
  const arns = queues.map(({ queueArn }) => queueArn);
  return [new PolicyStatement({ actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], resources: arns }), queueKeyStatement('receive', arns, key, stack)];
};
