import { Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

export interface OwnBusProps {
  readonly eventBusName?: string;
  readonly description: string;
  readonly key: IKey;
  /** Takes what cannot be encrypted or decrypted, because of the key or its policy. */
  readonly deadLetters: IQueue;
}

/** A bus under a key of ours, which its events never leave without. */
export function ownBus(scope: Construct, id: string, { key, deadLetters, ...others }: OwnBusProps): EventBus {
  // By its ARN: the CDK would put a statement of its own into the policy of the key.
  const bus = new EventBus(scope, id, { ...others, kmsKey: Key.fromKeyArn(scope, `${id}Key`, key.keyArn), deadLetterQueue: deadLetters });
  const arn = others.eventBusName === undefined ? bus.eventBusArn : Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: others.eventBusName });
  deadLetters.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [deadLetters.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': arn } },
    }),
  );
  return bus;
}
