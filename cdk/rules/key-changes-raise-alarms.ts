import { nameOf, type Rule, type RuledResource } from './rule.ts';

interface Pattern {
  readonly source?: unknown[];
  readonly detail?: { readonly eventName?: unknown[]; readonly resources?: { readonly ARN?: unknown[] } };
}
const changes = ['DisableKey', 'PutKeyPolicy', 'ScheduleKeyDeletion'];

/** A development profile may do without alarms. */
export const keyChangesRaiseAlarms: Rule = {
  name: 'key-changes-raise-alarms',
  because: 'Under a key that is off nothing that is stored can be read, and a deletion can be taken back only while somebody knows of it.',
  check(deployed) {
    const { profile, observability } = deployed.config;
    if (profile === 'dev' && !observability.alarms) return [];
    const topics = new Set(deployed.of('AWS::SNS::Topic').map(nameOf));
    const tells = ({ Properties }: RuledResource, stack: string): boolean =>
      Properties.State !== 'DISABLED' && ((Properties.Targets ?? []) as { Arn: unknown }[]).some(({ Arn }) => topics.has(deployed.target(Arn, stack) ?? ''));
    const watched = new Set(
      deployed.of('AWS::Events::Rule').flatMap(({ stack, resource }) => {
        const { source = [], detail: { eventName = [], resources = {} } = {} } = (resource.Properties.EventPattern ?? {}) as Pattern;
        const isWhole = source.includes('aws.kms') && changes.every((change) => eventName.includes(change));
        return isWhole && tells(resource, stack) ? (resources.ARN ?? []).map((arn) => deployed.target(arn, stack)) : [];
      }),
    );
    return deployed
      .of('AWS::KMS::Key')
      .filter((at) => !watched.has(nameOf(at)))
      .map((at) => ({ at, what: 'is a key whose end nobody is told of' }));
  },
};
