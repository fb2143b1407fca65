/**
 * What each port costs in AWS permissions. A function gets the union over what its operation declares and nothing else. The table is exhaustive by type: a
 * new port does not compile until somebody has decided here what it may do.
 */
import type { CallerClass } from '#shared/bridge-protocol.ts';
import type { Operation } from '#shared/operation.ts';
import type { PortName } from '#shared/ports/ports.ts';
import { type PartitionedName, type PartitionKind, partitions } from '#shared/repositories/partitions.ts';

/** The caller classes that call bridges of key stores. Seals are checked by the default bridge, so readers have no business there. */
export const keyStoreCallerClasses = ['crypto', 'lifecycle', 'rotation'] as const satisfies readonly CallerClass[];
export type KeyStoreCallerClass = (typeof keyStoreCallerClasses)[number];

/** Everything that a statement can be about. `core/list` is an index of the core table. */
export type ResourceName =
  | PartitionedName
  | 'bus'
  | 'auditQueue'
  | 'taskQueue'
  | 'archive/audit'
  | 'archive/alarms'
  | `bridgeSecret/${CallerClass}`
  | `keyStoreSecrets/${KeyStoreCallerClass}`;

type OtherAction = `${'events' | 'sqs' | 'secretsmanager' | 's3'}:${string}`;

export type Grant =
  | {
      readonly action: `dynamodb:${string}`;
      readonly on: PartitionedName;
      /** The only partitions that the action reaches, as a pattern of IAM: `KEY#*`. */
      readonly leading: string;
    }
  | { readonly action: OtherAction; readonly on: Exclude<ResourceName, PartitionedName>; readonly leading?: never };

/** What a grant may depend on. */
type Declaration = Pick<Operation, 'keys' | 'material' | 'byAlias' | 'changes' | 'removes' | 'lists' | 'needs' | 'batchOf'>;

const on = (resource: Exclude<ResourceName, PartitionedName>, ...actions: OtherAction[]): Grant[] => actions.map((action) => ({ action, on: resource }));

/** The partitions of a kind. An index has keys of its own, and a condition on it is about those. */
export function leadingPattern<Place extends PartitionedName>(place: Place, kind: PartitionKind<Place>): string {
  const beginning: string = partitions[place][kind] as string;
  return beginning.endsWith('#') ? `${beginning}*` : beginning;
}

function of<Place extends PartitionedName>(place: Place, kinds: readonly PartitionKind<Place>[], ...actions: `dynamodb:${string}`[]): Grant[] {
  return kinds.flatMap((kind) => actions.map((action) => ({ action, on: place, leading: leadingPattern(place, kind) })));
}
/** The record store reads one item by GetItem and several by BatchGetItem. */
const read = <Place extends 'core' | 'material'>(table: Place, ...kinds: PartitionKind<Place>[]): Grant[] => of(table, kinds, 'dynamodb:GetItem', 'dynamodb:BatchGetItem');

export const portGrants: Readonly<Record<PortName, (operation: Declaration) => Grant[]>> = {
  // A grant is made only while its key is the one that was decided on.
  grants: ({ needs, removes = [] }) => (needs.includes('committer') && removes.length === 0 ? of('core', ['key'], 'dynamodb:ConditionCheckItem') : []),
  // Roles and bindings are read for every request.
  roles: () => [],
  // The key is found by the pipeline.
  simulator: () => [],
  // An alias by its name, for those that change it.
  lister: ({ changes = [] }) => (changes.includes('alias') ? read('core', 'alias') : []),
  // GetItem: after a lost answer the outbox row tells whether the change was applied.
  committer: ({ changes = [], removes = [] }) => [
    ...of('core', [...changes, 'outbox'], 'dynamodb:PutItem'),
    ...of('core', removes, 'dynamodb:DeleteItem'),
    ...of('core', ['outbox'], 'dynamodb:GetItem'),
  ],
  // Writes material through the committer, and never reads any.
  keyFactory: () => of('material', ['key'], 'dynamodb:PutItem'),
  relatedKeys: () => read('core', 'key'),
  relatedMaterial: () => read('material', 'key'),
  // GetParametersForImport stores nothing; ImportKeyMaterial writes material as keyFactory's operations do.
  importer: ({ needs }) => (needs.includes('committer') ? of('material', ['key'], 'dynamodb:PutItem') : []),
  // CreateKey holds the revision of the stores.
  keyStores: ({ needs }) => [...read('core', 'keyStores'), ...(needs.includes('keyFactory') ? of('core', ['keyStores'], 'dynamodb:ConditionCheckItem') : [])],
  keysOfStores: () => of('core', ['keyStores'], 'dynamodb:Query'),
  bridgeDirectory: () => [],
  materialEraser: () => of('material', ['key'], 'dynamodb:DeleteItem'),
  cipher: () => [],
  signer: () => [],
  mac: () => [],
  agreement: () => [],
  random: () => [],
  encryptionCounter: () => of('ops', ['usage'], 'dynamodb:GetItem', 'dynamodb:PutItem'),
  usage: () => of('ops', ['lastUse'], 'dynamodb:PutItem'),
  lastUsage: () => of('ops', ['lastUse'], 'dynamodb:GetItem'),
  eraser: () => [
    ...of('core', ['key'], 'dynamodb:Query', 'dynamodb:ConditionCheckItem'),
    ...of('core', ['key', 'alias'], 'dynamodb:DeleteItem'),
    ...of('material', ['key'], 'dynamodb:Query', 'dynamodb:DeleteItem'),
  ],
};

/** The pipeline itself: the caller's bindings and roles, the keys that the request names, their aliases when a policy asks for them, and the audit record. */
function pipelineGrants({ batchOf, keys, material, byAlias, lists = [] }: Declaration): Grant[] {
  // The items of a batch name keys as the single operation does.
  if (batchOf !== undefined) return pipelineGrants(batchOf);
  return [
    ...read('core', 'binding', 'role'),
    ...(keys === undefined ? [] : [...read('core', 'key', 'keyStores'), ...of('core', ['key'], 'dynamodb:Query')]),
    ...(byAlias === true ? read('core', 'alias') : []),
    ...(material === true ? read('material', 'key') : []),
    ...of('core/list', lists, 'dynamodb:Query'),
    ...auditGrants,
  ];
}

export const auditGrants: readonly Grant[] = [...on('bus', 'events:PutEvents'), ...on('auditQueue', 'sqs:SendMessage')];

/** The certificate that an operation's function holds for the bridge: the weakest class that suffices. Every operation checks the seals of its caller's roles. */
export function bridgeClassOf({ needs }: Declaration): CallerClass {
  const needsAny = (...names: PortName[]) => needs.some((need) => names.includes(need));
  const uses = needsAny('cipher', 'signer', 'mac', 'agreement', 'random');
  const makes = needsAny('committer', 'keyFactory', 'importer', 'eraser');
  if (uses && makes) throw new Error('No caller class of the bridge may both make keys and use them: split the operation.');
  if (uses) return 'crypto';
  if (makes) return 'lifecycle';
  return 'reader';
}

const usesKeyStoreBridges: ReadonlySet<PortName> = new Set(['cipher', 'signer', 'mac', 'agreement', 'random', 'keyFactory', 'importer', 'bridgeDirectory']);

/** The class under which an operation calls the bridges of key stores. Undefined: it calls none. */
export function keyStoreClassOf(operation: Declaration): KeyStoreCallerClass | undefined {
  if (!operation.needs.some((need) => usesKeyStoreBridges.has(need))) return undefined;
  const own = bridgeClassOf(operation);
  return keyStoreCallerClasses.find((callerClass) => callerClass === own);
}

/** For a deployment that lists bridges of key stores: the certificates for them. */
export const keyStoreGrants = (callerClass: KeyStoreCallerClass | undefined): readonly Grant[] =>
  callerClass === undefined ? [] : on(`keyStoreSecrets/${callerClass}`, 'secretsmanager:GetSecretValue');

/** All grants of an operation's function, each once, sorted. */
export function grantsOf(operation: Declaration): readonly Grant[] {
  return distinct([
    ...pipelineGrants(operation),
    ...operation.needs.flatMap((need) => portGrants[need](operation)),
    ...on(`bridgeSecret/${bridgeClassOf(operation)}`, 'secretsmanager:GetSecretValue'),
  ]);
}

/** The worker of the task queue: the union of the service's own operations, under the bridge class `rotation`. */
export function dueTaskGrants(operations: readonly Operation[]): readonly Grant[] {
  // The service asks nobody's permission: it reads no role.
  const isNeeded = ({ on: resource, leading }: Grant) => !resource.startsWith('bridgeSecret/') && leading !== leadingPattern('core', 'role');
  return distinct([
    ...operations.flatMap((operation) => grantsOf(operation).filter(isNeeded)),
    // A version that was rolled leaves the due index of its counter.
    ...of('ops', ['usage'], 'dynamodb:GetItem', 'dynamodb:PutItem'),
    ...on('bridgeSecret/rotation', 'secretsmanager:GetSecretValue'),
  ]);
}

export const sweepGrants: readonly Grant[] = distinct([
  ...of('core/due', ['synchronization', 'rotation', 'deletion', 'expiry'], 'dynamodb:Query'),
  ...of('ops/due', ['roll'], 'dynamodb:Query'),
  ...of('core', ['key'], 'dynamodb:GetItem'),
  ...on('taskQueue', 'sqs:SendMessage'),
]);

export const outboxPublisherGrants: readonly Grant[] = distinct([
  ...of('core/due', ['outbox'], 'dynamodb:Query'),
  ...of('core', ['outbox'], 'dynamodb:DeleteItem'),
  ...on('bus', 'events:PutEvents'),
]);

export const auditArchiverGrants: readonly Grant[] = [...on('archive/audit', 's3:PutObject'), ...on('archive/alarms', 's3:PutObject')];

function distinct(grants: readonly Grant[]): readonly Grant[] {
  const byName = new Map(grants.map((grant) => [`${grant.on} ${grant.action} ${grant.leading ?? ''}`, grant]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, grant]) => grant);
}
