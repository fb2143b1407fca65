import type { Deployed, Place } from './rule.ts';

export interface Statement {
  readonly place: Place;
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly unknown[];
  readonly conditions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface RawStatement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly Resource?: unknown;
  readonly Condition?: Statement['conditions'];
}

/** Statements of roles and of the policies attached to them. The boundary is not one: it gives nothing. */
export function roleStatements(deployed: Deployed): readonly Statement[] {
  const inline = deployed
    .of('AWS::IAM::Role')
    .flatMap((place) => ((place.resource.Properties.Policies ?? []) as { PolicyDocument: unknown }[]).map(({ PolicyDocument }) => ({ place, PolicyDocument })));
  const attached = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy']
    .flatMap((type) => deployed.of(type))
    .filter(({ stack }) => stack !== `${deployed.config.deployment}-boundary`)
    .map((place) => ({ place, PolicyDocument: place.resource.Properties.PolicyDocument as unknown }));
  return [...inline, ...attached].flatMap(({ place, PolicyDocument }) =>
    (PolicyDocument as { Statement: RawStatement[] }).Statement.map(({ Effect, Action = [], Resource = [], Condition = {} }) => ({
      place,
      effect: Effect,
      actions: [Action].flat(),
      resources: [Resource].flat(),
      conditions: Condition,
    })),
  );
}
