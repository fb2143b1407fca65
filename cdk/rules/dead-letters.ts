/** Which queues take what others could not deliver. */
import type { Deployed } from './rule.ts';

export function deadLetterQueues({ places, target }: Deployed): ReadonlySet<string> {
  const named = places.flatMap(({ stack, resource: { Type, Properties } }) => {
    if (Type === 'AWS::SQS::Queue') return [target(Properties.RedrivePolicy?.deadLetterTargetArn, stack)];
    if (Type === 'AWS::Lambda::EventSourceMapping') return [target(Properties.DestinationConfig?.OnFailure?.Destination, stack)];
    if (Type === 'AWS::Lambda::Function') return [target(Properties.DeadLetterConfig?.TargetArn, stack)];
    if (Type === 'AWS::SNS::Subscription') return [target(Properties.RedrivePolicy?.deadLetterTargetArn, stack)];
    if (Type === 'AWS::Events::EventBus') return [target(Properties.DeadLetterConfig?.Arn, stack)];
    if (Type === 'AWS::Events::Rule')
      return ((Properties.Targets ?? []) as { DeadLetterConfig?: { Arn?: unknown } }[]).map(({ DeadLetterConfig }) => target(DeadLetterConfig?.Arn, stack));
    return [];
  });
  return new Set(named.filter((name) => name !== undefined));
}
