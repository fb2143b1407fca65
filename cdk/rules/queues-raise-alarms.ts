import { deadLetterQueues } from './dead-letters.ts';
import { nameOf, type Rule } from './rule.ts';

interface Dimension {
  readonly Name: string;
  readonly Value: unknown;
}

/** A development profile may do without alarms. */
export const queuesRaiseAlarms: Rule = {
  name: 'queues-raise-alarms',
  because: 'What lies in a queue for two weeks without anybody knowing is lost.',
  check(deployed) {
    const { profile, observability } = deployed.config;
    if (profile === 'dev' && !observability.alarms) return [];
    const watched = new Set(
      deployed.of('AWS::CloudWatch::Alarm').flatMap(({ stack, resource }) => {
        const { Dimensions = [], Metrics = [] } = resource.Properties as { Dimensions?: Dimension[]; Metrics?: { MetricStat?: { Metric?: { Dimensions?: Dimension[] } } }[] };
        const all = [...Dimensions, ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric?.Dimensions ?? [])];
        return all.filter(({ Name }) => Name === 'QueueName').map(({ Value }) => deployed.target(Value, stack));
      }),
    );
    const deadLetters = deadLetterQueues(deployed);
    const unwatched = deployed.of('AWS::SQS::Queue').filter((at) => !watched.has(nameOf(at)));
    return unwatched.map((at) => ({ at, what: deadLetters.has(nameOf(at)) ? 'is a dead-letter queue without an alarm' : 'is a queue that nobody sees filling up' }));
  },
};
