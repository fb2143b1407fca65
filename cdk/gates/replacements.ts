/**
 * Finds changes after which CloudFormation would make a new, empty resource in the place of one that holds state, or take one away: offline, by comparing what
 * was released (cdk/baseline) with what is synthesised now.
 */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}
export interface TemplateLike {
  readonly Resources?: Readonly<Record<string, TemplateResource>>;
}
/** By stack name. */
export type StackTemplates = Readonly<Record<string, TemplateLike>>;

/** Per stack and logical id: the type and the properties that cannot change in place. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, { readonly type: string; readonly immutable: Readonly<Record<string, unknown>> }>>>>;

/** Names of the properties of a type whose change replaces the resource. */
export type ImmutableProperties = (type: string) => readonly string[];

/** What cannot be made again from the code: data, keys, what names them to others, and what is waiting. */
const statefulTypes: ReadonlySet<string> = new Set([
  'AWS::ApiGateway::RestApi',
  'AWS::CloudHSM::Cluster',
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::EC2::Subnet',
  'AWS::EC2::VPC',
  'AWS::ECR::Repository',
  'AWS::Events::EventBus',
  'AWS::KMS::Key',
  'AWS::KMS::ReplicaKey',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::SecretsManager::Secret',
  'AWS::SNS::Topic',
  'AWS::SQS::Queue',
]);
/** Of custom resources CloudFormation knows no immutable properties; a new id or type is a new resource all the same. */
const isStateful = (type: string): boolean => statefulTypes.has(type) || /^Custom::.*Hsm/i.test(type);

export function baselineOf(templates: StackTemplates, immutableOf: ImmutableProperties): Baseline {
  return Object.fromEntries(
    Object.entries(templates).flatMap(([stack, { Resources = {} }]) => {
      const stateful = Object.entries(Resources).filter(([, { Type }]) => isStateful(Type));
      if (stateful.length === 0) return [];
      return [[stack, Object.fromEntries(stateful.map(([id, { Type, Properties }]) => [id, { type: Type, immutable: pick(Properties ?? {}, immutableOf(Type)) }]))]];
    }),
  );
}

/** @returns one sentence per resource that would be lost or replaced; none when the change is safe. What is new is no loss. */
export function lossesOf(released: Baseline, now: Baseline): readonly string[] {
  return Object.entries(released).flatMap(([stack, resources]) => {
    const present = now[stack];
    if (present === undefined) return [`Stack ${stack}, which holds state, is gone.`];
    return Object.entries(resources).flatMap(([id, before]) => {
      const after = present[id];
      if (after === undefined) return [`${stack}/${id} (${before.type}) would be removed, or made again under another logical id.`];
      if (after.type !== before.type) return [`${stack}/${id} would turn from ${before.type} into ${after.type}.`];
      return differing(before.immutable, after.immutable).map((name) => `${stack}/${id} (${before.type}) would be replaced: ${name} cannot change in place.`);
    });
  });
}

function pick(properties: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => properties[name] !== undefined).map((name) => [name, properties[name]]));
}

function differing(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.filter((name) => JSON.stringify(sorted(before[name])) !== JSON.stringify(sorted(after[name])));
}

/** Order of members says nothing; order of lists does. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
