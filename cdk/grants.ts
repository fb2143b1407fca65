/**
 * What each port costs in AWS permissions. A function gets the union over what its operation declares and nothing else. The table is exhaustive by type: a
 * new port does not compile until somebody has decided here what it may do.
 */
import type { CallerClass } from '#shared/bridge-protocol.ts';
import type { Operation } from '#shared/operation.ts';
import type { PortName } from '#shared/ports/ports.ts';

/** The caller classes that call bridges of key stores. Seals are checked by the default bridge, so readers have no business there. */
export const keyStoreCallerClasses = ['crypto', 'lifecycle', 'rotation'] as const satisfies readonly CallerClass[];
export type KeyStoreCallerClass = (typeof keyStoreCallerClasses)[number];

/** Everything that a statement can be about. `core/list` is an index of the core table. */
export type ResourceName =
  | 'core'
  | 'core/list'
  | 'core/due'
  | 'material'
  | 'ops'
  | 'ops/due'
  | 'bus'
  | 'auditQueue'
  | 'taskQueue'
  | 'archive/audit'
  | 'archive/alarms'
  | `bridgeSecret/${CallerClass}`
  | `keyStoreSecrets/${KeyStoreCallerClass}`;

export interface Grant {
  readonly action: `${'dynamodb' | 'events' | 'sqs' | 'secretsmanager' | 's3'}:${string}`;
  readonly on: ResourceName;
}

/** What a grant may depend on. */
type Declaration = Pick<Operation, 'keys' | 'material' | 'removes' | 'needs' | 'batchOf'>;

const on = (resource: ResourceName, ...actions: Grant['action'][]): Grant[] => actions.map((action) => ({ action, on: resource }));
/** The record store reads one item by GetItem and several by BatchGetItem. */
const read = (table: 'core' | 'material' | 'ops'): Grant[] => on(table, 'dynamodb:GetItem', 'dynamodb:BatchGetItem');

export const portGrants: Readonly<Record<PortName, (operation: Declaration) => Grant[]>> = {
  // ConditionCheckItem: a grant is made only while its key is the one that was decided on.
  grants: () => [...on('core', 'dynamodb:Query', 'dynamodb:ConditionCheckItem'), ...on('core/list', 'dynamodb:Query')],
  roles: () => on('core/list', 'dynamodb:Query'),
  simulator: () => on('core', 'dynamodb:Query'),
  lister: () => [...read('core'), ...on('core', 'dynamodb:Query'), ...on('core/list', 'dynamodb:Query')],
  // GetItem: after a lost answer the outbox row tells whether the change was applied.
  committer: ({ removes }) => on('core', 'dynamodb:PutItem', 'dynamodb:GetItem', ...(removes === true ? (['dynamodb:DeleteItem'] as const) : [])),
  // Writes material through the committer, and never reads any.
  keyFactory: () => on('material', 'dynamodb:PutItem'),
  relatedKeys: () => read('core'),
  relatedMaterial: () => read('material'),
  // GetParametersForImport stores nothing; ImportKeyMaterial writes material as keyFactory's operations do.
  importer: ({ needs }) => (needs.includes('committer') ? on('material', 'dynamodb:PutItem') : []),
  // hasKeys asks the table itself. CreateKey holds the revision of the stores.
  keyStores: ({ needs }) => [
    ...read('core'),
    ...(needs.includes('committer') && !needs.includes('keyFactory') ? on('core', 'dynamodb:Query') : []),
    ...(needs.includes('keyFactory') ? on('core', 'dynamodb:ConditionCheckItem') : []),
  ],
  bridgeDirectory: () => [],
  materialEraser: () => on('material', 'dynamodb:DeleteItem'),
  cipher: () => [],
  signer: () => [],
  mac: () => [],
  agreement: () => [],
  random: () => [],
  encryptionCounter: () => on('ops', 'dynamodb:GetItem', 'dynamodb:PutItem'),
  usage: () => on('ops', 'dynamodb:PutItem'),
  lastUsage: () => read('ops'),
  eraser: () => [...on('core', 'dynamodb:Query', 'dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem'), ...on('material', 'dynamodb:Query', 'dynamodb:DeleteItem')],
};

/** The pipeline itself: the caller's bindings, the keys that the request names, their aliases when a policy asks for them, and the audit record. */
function pipelineGrants({ batchOf, keys, material }: Declaration): Grant[] {
  // The items of a batch name keys as the single operation does.
  if (batchOf !== undefined) return pipelineGrants(batchOf);
  return [...read('core'), ...(keys === undefined ? [] : on('core', 'dynamodb:Query')), ...(material === true ? read('material') : []), ...auditGrants];
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
  return distinct([
    ...operations.flatMap((operation) => grantsOf(operation).filter((grant) => !grant.on.startsWith('bridgeSecret/'))),
    // A version that was rolled leaves the due index of its counter.
    ...on('ops', 'dynamodb:GetItem', 'dynamodb:PutItem'),
    ...on('bridgeSecret/rotation', 'secretsmanager:GetSecretValue'),
  ]);
}

export const sweepGrants: readonly Grant[] = distinct([
  ...on('core/due', 'dynamodb:Query'),
  ...on('ops/due', 'dynamodb:Query'),
  ...on('core', 'dynamodb:GetItem'),
  ...on('taskQueue', 'sqs:SendMessage'),
]);

export const outboxPublisherGrants: readonly Grant[] = distinct([...on('core/due', 'dynamodb:Query'), ...on('core', 'dynamodb:DeleteItem'), ...on('bus', 'events:PutEvents')]);

export const auditArchiverGrants: readonly Grant[] = [...on('archive/audit', 's3:PutObject'), ...on('archive/alarms', 's3:PutObject')];

function distinct(grants: readonly Grant[]): readonly Grant[] {
  const byName = new Map(grants.map((grant) => [`${grant.on} ${grant.action}`, grant]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, grant]) => grant);
}
