/** Declared grants = synthesised policies, exactly, for every function. */
import { beforeAll, describe, expect, test } from 'vitest';
import { auditArchiverGrants, auditGrants, dueTaskGrants, type Grant, grantsOf, outboxPublisherGrants, sweepGrants } from '#cdk/grants.ts';
import { operations } from '#shared/operations/index.ts';
import { DeleteKey } from '#shared/sweeps/delete-key.ts';
import { RotateKey } from '#shared/sweeps/rotate-key.ts';
import { ofType, type Permission, permissionsOf, type StackName, synthesise, type Templates } from './synthesised.ts';

let templates: Templates;
beforeAll(() => {
  templates = synthesise();
});

const resourceNames: Readonly<Record<string, string>> = {
  core: 'data.CoreTable.Arn',
  'core/list': 'data.CoreTable.Arn/index/list',
  'core/due': 'data.CoreTable.Arn/index/due',
  material: 'data.MaterialTable.Arn',
  ops: 'data.OpsTable.Arn',
  'ops/due': 'data.OpsTable.Arn/index/due',
  bus: 'audit.Bus.Arn',
  auditQueue: 'audit.FallbackQueue.Arn',
  taskQueue: 'lifecycle.TasksQueue.Arn',
  'archive/audit': 'audit.Archive.Arn/audit/*',
  'archive/alarms': 'audit.Archive.Arn/alarms/*',
  'bridgeSecret/reader': 'bridge.readercertificate.Id',
  'bridgeSecret/crypto': 'bridge.cryptocertificate.Id',
  'bridgeSecret/lifecycle': 'bridge.lifecyclecertificate.Id',
  'bridgeSecret/rotation': 'bridge.rotationcertificate.Id',
};
const via = (service: string) => ({ 'Fn::Join': ['', [`${service}.`, { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]] });
const receive = (...queues: string[]) => [
  ...queues.flatMap((queue) => ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'].map((action) => `${action} on ${queue}`)),
  'kms:Decrypt on keys.Queues.Arn',
];
const send = (queue: string) => [`sqs:SendMessage on ${queue}`, ...keyUses.sqs!.map((action) => `kms:${action} on keys.Queues.Arn`)];
const keyUses: Readonly<Record<string, readonly string[]>> = { sqs: ['Decrypt', 'GenerateDataKey'], secretsmanager: ['Decrypt'], s3: ['GenerateDataKey'] };
const keyNames: Readonly<Record<string, string>> = { sqs: 'keys.Queues.Arn', secretsmanager: 'keys.Secrets.Arn', s3: 'keys.Archive.Arn' };

const text = ({ action, resource }: Pick<Permission, 'action' | 'resource'>) => `${action} on ${resource}`;
/** The patterns of one grant each, for a condition that is exactly that of partitions. */
const leadingOf = ({ condition }: Permission): (string | undefined)[] => {
  const { 'ForAllValues:StringLike': like, ...others } = (condition ?? {}) as Record<string, Record<string, unknown>>;
  if (like === undefined) return [undefined];
  expect(others).toEqual({});
  expect(Object.keys(like)).toEqual(['dynamodb:LeadingKeys']);
  return [like['dynamodb:LeadingKeys']].flat() as string[];
};
const withLeading = (permission: Permission): string[] => leadingOf(permission).map((leading) => `${text(permission)}${leading === undefined ? '' : ` of ${leading}`}`);

function expected(grants: readonly Grant[], logs: string, ...more: string[]): string[] {
  const onTables = grants.filter(({ action }) => action.startsWith('dynamodb:'));
  const writes = onTables.some(({ action }) => /:(?:Put|Delete|Update)Item$/.test(action));
  const key = [
    ...(onTables.length > 0 ? ['Decrypt', 'DescribeKey'] : []),
    ...(writes ? ['Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'] : []),
  ];
  const otherKeys = Object.keys(keyUses).filter((service) => grants.some(({ action }) => action.startsWith(`${service}:`)));
  return [
    ...grants.map(({ action, on, leading }) => `${action} on ${resourceNames[on]}${leading === undefined ? '' : ` of ${leading}`}`),
    ...key.map((action) => `kms:${action} on data.TableKey.Arn`),
    ...otherKeys.flatMap((service) => keyUses[service]!.map((action) => `kms:${action} on ${keyNames[service]}`)),
    `logs:CreateLogStream on ${logs}`,
    `logs:PutLogEvents on ${logs}`,
    ...more,
  ].sort();
}

/** CDK leaves out the end of an id that the next part repeats: CreateRole/Role is CreateRole. */
const logicalRole = (name: string): RegExp => new RegExp(`^${name.endsWith('Role') ? name : `${name}Role`}[0-9A-F]{8}$`);

function roleOf(stack: StackName, name: string): Permission[] {
  const found = ofType(templates[stack], 'AWS::IAM::Role').filter(([logicalId]) => logicalRole(name).test(logicalId));
  expect(found).toHaveLength(1);
  return permissionsOf(found[0]![1], stack, templates);
}

describe('the role of an operation', () => {
  test.each(operations.map((operation) => [operation.name, operation] as const))('%s may do exactly what the operation declares', (name, operation) => {
    const permissions = roleOf('api', name);

    expect(permissions.flatMap(withLeading).sort()).toEqual(expected(grantsOf(operation), 'api.Logs.Arn'));
    for (const { action, condition } of permissions) if (!/^(?:kms|dynamodb):/.test(action)) expect(condition).toBeUndefined();
  });

  test('uses keys through the service that stores only, and for what it may reach there', () => {
    const conditionsOf = (name: string, key: string) => roleOf('api', name).flatMap(({ resource, condition }) => (resource === key ? [condition] : []));
    const secret = [{ 'Fn::ImportValue': expect.stringContaining('cryptocertificate') }];
    const queue = [{ 'Fn::ImportValue': expect.stringContaining('FallbackQueue') }];

    for (const condition of conditionsOf('Encrypt', 'data.TableKey.Arn')) expect(condition).toEqual({ StringEquals: { 'kms:ViaService': via('dynamodb') } });
    expect(conditionsOf('Encrypt', 'keys.Secrets.Arn')).toEqual([{ StringEquals: { 'kms:ViaService': via('secretsmanager'), 'kms:EncryptionContext:SecretARN': secret } }]);
    expect(conditionsOf('Encrypt', 'keys.Queues.Arn')).toEqual(
      keyUses.sqs!.map(() => ({ StringEquals: { 'kms:ViaService': via('sqs'), 'kms:EncryptionContext:aws:sqs:arn': queue } })),
    );
    for (const { name } of operations)
      for (const { action, condition } of roleOf('api', name)) if (action.startsWith('kms:')) expect(JSON.stringify(condition)).toContain('"kms:ViaService"');
  });

  test.each(operations.map(({ name }) => name))('%s has no wildcard and is assumed by Lambda alone', (name) => {
    const role = ofType(templates.api, 'AWS::IAM::Role').find(([logicalId]) => logicalRole(name).test(logicalId))?.[1];

    for (const permission of roleOf('api', name)) expect(text(permission)).not.toContain('*');
    expect(role?.Properties.AssumeRolePolicyDocument).toEqual({
      Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }],
      Version: '2012-10-17',
    });
  });

  test('no role reads material unless its operation uses it, and only those that erase it by declaration delete any', () => {
    for (const { name, material, needs, batchOf } of operations) {
      const onMaterial = roleOf('api', name).filter(({ resource }) => resource === resourceNames.material);
      expect(onMaterial.some(({ action }) => action.endsWith('GetItem'))).toBe((batchOf?.material ?? material) === true);
      expect(onMaterial.some(({ action }) => action === 'dynamodb:DeleteItem')).toBe(needs.includes('materialEraser'));
    }
    expect(operations.filter(({ needs }) => needs.includes('materialEraser')).map(({ name }) => name)).toEqual(['DeleteImportedKeyMaterial']);
    expect(roleOf('lifecycle', 'DueTask').map(text)).toContain(`dynamodb:DeleteItem on ${resourceNames.material}`);
  });

  test('no role holds certificates of two caller classes', () => {
    for (const { name } of operations) expect(roleOf('api', name).filter(({ action }) => action.startsWith('secretsmanager:')).length).toBeLessThanOrEqual(1);
  });
});

describe('the other roles', () => {
  test('the wire dispatcher may invoke the operations and record refusals: no table, no certificate', () => {
    const invocations = operations
      .filter(({ wire }) => wire !== false)
      .map(({ name }) => `lambda:InvokeFunction on arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:chatelaine-${name}`);

    expect(roleOf('api', 'Wire').flatMap(withLeading).sort()).toEqual(expected(auditGrants, 'api.Logs.Arn', ...invocations));
  });

  test('the sweep may look and queue', () => {
    expect(roleOf('lifecycle', 'Sweep').flatMap(withLeading).sort()).toEqual(expected(sweepGrants, 'lifecycle.Logs.Arn'));
  });

  test("the worker may do what the service's own operations declare", () => {
    expect(roleOf('lifecycle', 'DueTask').flatMap(withLeading).sort()).toEqual(
      expected(dueTaskGrants([RotateKey, DeleteKey]), 'lifecycle.Logs.Arn', ...receive('lifecycle.TasksQueue.Arn')),
    );
  });

  test('the outbox publisher may read the stream, publish and remove', () => {
    const stream = ['DescribeStream', 'GetRecords', 'GetShardIterator'].map((action) => `dynamodb:${action} on data.CoreTable.StreamArn`);

    expect(roleOf('lifecycle', 'OutboxPublisher').flatMap(withLeading).sort()).toEqual(
      expected(outboxPublisherGrants, 'lifecycle.Logs.Arn', ...stream, ...send('lifecycle.OutboxDeadLetters.Arn')),
    );
  });

  test('the archiver may add objects, and neither read nor delete any', () => {
    expect(roleOf('audit', 'Archiver').flatMap(withLeading).sort()).toEqual(
      expected(auditArchiverGrants, 'audit.Logs.Arn', ...receive('audit.ArrivalsQueue.Arn', 'audit.FallbackQueue.Arn')),
    );
  });

  test('no other role of the deployment exists, and only the dispatcher may invoke functions', () => {
    const roles = (Object.keys(templates) as StackName[]).flatMap((stack) =>
      ofType(templates[stack], 'AWS::IAM::Role').map(([logicalId]) => `${stack}.${logicalId.replace(/[0-9A-F]{8}$/, '')}`),
    );
    const known = [
      ...operations.map(({ name }) => `api.${name.endsWith('Role') ? name : `${name}Role`}`),
      'api.WireRole',
      'api.ApiCloudWatchRole',
      'api.Custodian',
      'lifecycle.SweepRole',
      'lifecycle.DueTaskRole',
      'lifecycle.OutboxPublisherRole',
      'audit.ArchiverRole',
    ];

    expect(roles.sort()).toEqual(known.sort());
    for (const stack of Object.keys(templates) as StackName[]) {
      expect(ofType(templates[stack], 'AWS::IAM::Policy')).toEqual([]);
      for (const [logicalId, role] of ofType(templates[stack], 'AWS::IAM::Role')) {
        if (/^(?:Wire|ApiCloudWatch)Role/.test(logicalId)) continue;
        expect(permissionsOf(role, stack, templates).filter(({ action }) => action.startsWith('lambda:'))).toEqual([]);
      }
    }
  });
});
