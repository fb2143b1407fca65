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
import type { KeyStoreSecrets } from './key-store-secrets.ts';

/** The caller classes that functions hold certificates of. */
export type FunctionCallerClass = Extract<CallerClass, 'reader' | 'crypto' | 'lifecycle' | 'rotation'>;

/** What statements can be about, as far as a stack has it. */
export interface ServiceResources {
  readonly tables?: Readonly<Record<TableName, Table>>;
  readonly tableKey?: IKey;
  readonly bus?: EventBus;
  readonly auditQueue?: IQueue;
  readonly taskQueue?: IQueue;
  readonly archive?: Bucket;
  readonly keyStoreSecrets?: KeyStoreSecrets;
  readonly bridgeSecrets?: Readonly<Record<FunctionCallerClass, ISecret>>;
}

const writes: ReadonlySet<string> = new Set(['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:UpdateItem']);

/** One statement per resource, with exact actions and the exact ARN. */
export function statementsOf(grants: readonly Grant[], resources: ServiceResources, stack: Stack): PolicyStatement[] {
  const actionsOf = new Map<ResourceName, string[]>();
  for (const { action, on } of grants) actionsOf.set(on, [...(actionsOf.get(on) ?? []), action]);
  const statements = [...actionsOf].flatMap(([name, actions]) => {
    const arns = arnsOf(name, resources);
    return arns.length === 0 ? [] : [new PolicyStatement({ actions, resources: arns })];
  });
  const onTables = grants.filter(({ action }) => action.startsWith('dynamodb:'));
  if (onTables.length > 0)
    statements.push(
      keyStatement(
        onTables.some(({ action }) => writes.has(action)),
        resources,
        stack,
      ),
    );
  return statements;
}

/** DynamoDB uses the tables' key in the name of whoever calls it, so the caller must be allowed to, through DynamoDB only. */
export function keyStatement(canWrite: boolean, { tableKey }: ServiceResources, stack: Stack): PolicyStatement {
  const actions = ['kms:Decrypt', 'kms:DescribeKey'];
  if (canWrite) actions.push('kms:Encrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo');
  return new PolicyStatement({
    actions,
    resources: [present(tableKey, 'tableKey').keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${stack.region}.${stack.urlSuffix}` } },
  });
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
