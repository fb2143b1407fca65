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
const viaDynamoDb = { StringEquals: { 'kms:ViaService': { 'Fn::Join': ['', ['dynamodb.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]] } } };
const receive = (queue: string) => ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'].map((action) => `${action} on ${queue}`);

const text = ({ action, resource }: Pick<Permission, 'action' | 'resource'>) => `${action} on ${resource}`;

function expected(grants: readonly Grant[], logs: string, ...more: string[]): string[] {
  const onTables = grants.filter(({ action }) => action.startsWith('dynamodb:'));
  const writes = onTables.some(({ action }) => /:(?:Put|Delete|Update)Item$/.test(action));
  const key = [
    ...(onTables.length > 0 ? ['Decrypt', 'DescribeKey'] : []),
    ...(writes ? ['Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'] : []),
  ];
  return [
    ...grants.map(({ action, on }) => `${action} on ${resourceNames[on]}`),
    ...key.map((action) => `kms:${action} on data.TableKey.Arn`),
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

    expect(permissions.map(text).sort()).toEqual(expected(grantsOf(operation), 'api.Logs.Arn'));
    for (const { action, condition } of permissions) expect(condition).toEqual(action.startsWith('kms:') ? viaDynamoDb : undefined);
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

    expect(roleOf('api', 'Wire').map(text).sort()).toEqual(expected(auditGrants, 'api.Logs.Arn', ...invocations));
  });

  test('the sweep may look and queue', () => {
    expect(roleOf('lifecycle', 'Sweep').map(text).sort()).toEqual(expected(sweepGrants, 'lifecycle.Logs.Arn'));
  });

  test("the worker may do what the service's own operations declare", () => {
    expect(roleOf('lifecycle', 'DueTask').map(text).sort()).toEqual(expected(dueTaskGrants([RotateKey, DeleteKey]), 'lifecycle.Logs.Arn', ...receive('lifecycle.TasksQueue.Arn')));
  });

  test('the outbox publisher may read the stream, publish and remove', () => {
    const stream = ['DescribeStream', 'GetRecords', 'GetShardIterator'].map((action) => `dynamodb:${action} on data.CoreTable.StreamArn`);

    expect(roleOf('lifecycle', 'OutboxPublisher').map(text).sort()).toEqual(
      expected(outboxPublisherGrants, 'lifecycle.Logs.Arn', ...stream, 'sqs:SendMessage on lifecycle.OutboxDeadLetters.Arn'),
    );
  });

  test('the archiver may add objects, and neither read nor delete any', () => {
    expect(roleOf('audit', 'Archiver').map(text).sort()).toEqual(
      expected(auditArchiverGrants, 'audit.Logs.Arn', ...receive('audit.ArrivalsQueue.Arn'), ...receive('audit.FallbackQueue.Arn')),
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
