import { deadLetterQueues } from './dead-letters.ts';
import { type Fault, faults, nameOf, type Rule } from './rule.ts';

export const nothingIsDropped: Rule = {
  name: 'nothing-is-dropped',
  because: 'An audit record or a destruction that nobody could deliver is lost after the last try, in silence, unless a dead-letter queue takes it.',
  check(deployed): Fault[] {
    const deadLetters = deadLetterQueues(deployed);
    const streams = deployed.of('AWS::Lambda::EventSourceMapping').filter(({ resource }) => resource.Properties.StartingPosition !== undefined);
    return [
      ...faults(
        deployed.of('AWS::SQS::Queue'),
        'has no dead-letter queue and is none',
        ({ Properties }, at) => Properties.RedrivePolicy === undefined && !deadLetters.has(nameOf(at)),
      ),
      ...faults(deployed.of('AWS::Events::Rule'), 'has a target without a dead-letter queue', ({ Properties }) =>
        ((Properties.Targets ?? []) as { DeadLetterConfig?: unknown }[]).some(({ DeadLetterConfig }) => DeadLetterConfig === undefined),
      ),
      ...faults(deployed.of('AWS::Scheduler::Schedule'), 'has a target without a dead-letter queue', ({ Properties }) => Properties.Target?.DeadLetterConfig === undefined),
      ...faults(deployed.of('AWS::Events::EventBus'), 'drops events that its key does not encrypt', ({ Properties }) => Properties.DeadLetterConfig?.Arn === undefined),
      ...faults(streams, 'drops records of the stream that fail', ({ Properties }) => Properties.DestinationConfig?.OnFailure === undefined),
    ];
  },
};
