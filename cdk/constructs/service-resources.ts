import type { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { CallerClass } from '#shared/bridge-protocol.ts';
import type { TableName } from '#shared/ports/record-store.ts';
import type { Grant, KeyStoreCallerClass, ResourceName } from '../grants.ts';
import type { KeysStack } from '../stacks/keys-stack.ts';
import type { KeyStoreSecrets } from './key-store-secrets.ts';

/** The caller classes that functions hold certificates of. */
export type FunctionCallerClass = Extract<CallerClass, 'reader' | 'crypto' | 'lifecycle' | 'rotation'>;

/** What statements can be about, as far as a stack has it. */
export interface ServiceResources {
  readonly tables?: Readonly<Record<TableName, Table>>;
  readonly tableKey?: IKey;
  readonly keys?: Pick<KeysStack, 'queues' | 'secrets' | 'archive'>;
  readonly bus?: EventBus;
  readonly auditQueue?: IQueue;
  readonly taskQueue?: IQueue;
  readonly archive?: Bucket;
  readonly keyStoreSecrets?: KeyStoreSecrets;
  readonly bridgeSecrets?: Readonly<Record<FunctionCallerClass, ISecret>>;
}

const writes: ReadonlySet<string> = new Set(['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:UpdateItem']);

/**
 * One statement per resource and set of partitions, with exact actions and the exact ARN. ForAllValues holds for every key of a batch, and also where there is
 * no key at all: so a rule refuses the actions that can do without (a scan, PartiQL), and the boundary has none of them.
 */
export function statementsOf(grants: readonly Grant[], resources: ServiceResources, stack: Stack): PolicyStatement[] {
  const places = Map.groupBy(grants, ({ on, action }) => `${on} ${action}`);
  const bySet = Map.groupBy(places.values(), ([first, ...others]) => `${first!.on} ${[first!, ...others].map(({ leading }) => leading).join(' ')}`);
  const statements = [...bySet.values()].flatMap((alike) => {
    const [[first]] = alike as [[Grant]];
    const actions = alike.map(([grant]) => grant!.action);
    const leading = alike[0]!.flatMap((grant) => grant.leading ?? []);
    const arns = arnsOf(first.on, resources);
    return arns.length === 0 ? [] : [new PolicyStatement({ actions, resources: arns, ...(leading.length === 0 ? {} : { conditions: onPartitions(leading) }) })];
  });
  return [...statements, ...keyStatements(grants, resources, stack)];
}

/** IAM's condition for requests that name partitions, and only these. */
export const onPartitions = (leading: readonly string[]) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': leading } });

/** What the services that store use their keys for, in the name of whoever calls them. */
function keyStatements(grants: readonly Grant[], resources: ServiceResources, stack: Stack): PolicyStatement[] {
  const { keys } = resources;
  const arnsFor = (service: string) => [...new Set(grants.flatMap(({ action, on }) => (action.startsWith(`${service}:`) ? arnsOf(on, resources) : [])))];
  const onTables = grants.filter(({ action }) => action.startsWith('dynamodb:'));
  const sentTo = arnsFor('sqs');
  const secrets = arnsFor('secretsmanager');
  return [
    ...(onTables.length === 0 ? [] : [keyStatement(onTables.some(({ action }) => writes.has(action)), resources, stack)]), // biome-ignore format: one line per service
    ...(sentTo.length === 0 ? [] : [queueKeyStatement('send', sentTo, present(keys, 'keys').queues, stack)]),
    ...(secrets.length === 0 ? [] : [secretKeyStatement('read', secrets, present(keys, 'keys').secrets, stack)]),
    // With a bucket key the context is the bucket's ARN and not the object's.
    ...(arnsFor('s3').length === 0 ? [] : [throughService('s3', ['kms:GenerateDataKey'], { 'aws:s3:arn': [present(resources.archive, 'archive').bucketArn] }, present(keys, 'keys').archive, stack)]), // biome-ignore format: one line per service
  ];
}

/** DynamoDB uses the tables' key in the name of whoever calls it, so the caller must be allowed to, through DynamoDB only. */
export function keyStatement(canWrite: boolean, { tableKey }: Pick<ServiceResources, 'tableKey'>, stack: Stack): PolicyStatement {
  const actions = ['kms:Decrypt', 'kms:DescribeKey'];
  if (canWrite) actions.push('kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo');
  return throughService('dynamodb', actions, {}, present(tableKey, 'tableKey'), stack);
}

/** Whoever sends makes data keys, and decrypts the one that SQS still has; whoever receives only decrypts (SQS developer guide, "Key management"). */
export function queueKeyStatement(use: 'send' | 'receive', queueArns: readonly string[], key: IKey, stack: Stack): PolicyStatement {
  return throughService('sqs', use === 'send' ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'], { 'aws:sqs:arn': queueArns }, key, stack);
}

/** Secrets Manager binds each secret's data key to the secret (Secrets Manager user guide, "Secret encryption and decryption"). */
export function secretKeyStatement(use: 'read' | 'write', secretArns: readonly string[], key: IKey, stack: Stack): PolicyStatement {
  return throughService('secretsmanager', use === 'write' ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'], { SecretARN: secretArns }, key, stack);
}

function throughService(service: string, actions: string[], context: Readonly<Record<string, readonly string[]>>, key: IKey, stack: Stack): PolicyStatement {
  const bound = Object.fromEntries(Object.entries(context).map(([name, values]) => [`kms:EncryptionContext:${name}`, values]));
  const conditions = { StringEquals: { 'kms:ViaService': `${service}.${stack.region}.${stack.urlSuffix}`, ...bound } };
  return new PolicyStatement({ actions, resources: [key.keyArn], conditions });
}

/** One, but for the bridges of key stores: as many as the deployment lists. */
function arnsOf(name: ResourceName, resources: ServiceResources): string[] {
  const [kind, callerClass] = name.split('/') as [string, KeyStoreCallerClass];
  return kind === 'keyStoreSecrets' ? [...present(resources.keyStoreSecrets, name)[callerClass]] : [arnOf(name, resources)];
}

export function arnOf(name: ResourceName, resources: ServiceResources): string {
  const [first, second] = name.split('/') as [string, string | undefined];
  switch (first) {
    case 'core':
    case 'material':
    case 'ops': {
      const { tableArn } = present(resources.tables, name)[first];
      return second === undefined ? tableArn : `${tableArn}/index/${second}`;
    }
    case 'bus':
      return present(resources.bus, name).eventBusArn;
    case 'auditQueue':
      return present(resources.auditQueue, name).queueArn;
    case 'taskQueue':
      return present(resources.taskQueue, name).queueArn;
    case 'archive':
      return present(resources.archive, name).arnForObjects(`${second}/*`);
    default:
      return present(present(resources.bridgeSecrets, name)[second as FunctionCallerClass], name).secretArn;
  }
}

function present<T>(resource: T | undefined, name: string): T {
  if (resource === undefined) throw new Error(`A function is granted access to ${name}, which its stack does not have.`);
  return resource;
}
