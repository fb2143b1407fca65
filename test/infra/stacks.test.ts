import { beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '#cdk/config/deployment-config.ts';
import { dynamoDbTableDefinitions } from '#lambdas/adapters/dynamodb-tables.ts';
import { operations } from '#shared/operations/index.ts';
import { tableNames } from '#shared/ports/record-store.ts';
import { ofType, productionContext, type Resource, readable, type StackName, stackNames, synthesise, type Template, type Templates } from './synthesised.ts';

let templates: Templates;
const nitroRoot = '64:1A:03:21:A3:E2:44:EF:E4:56:46:31:95:D6:06:31:7E:D7:CD:CC:3C:17:56:E0:98:93:F3:C6:8F:79:BB:5B';
beforeAll(() => {
  templates = synthesise({ attestation: { roots: [nitroRoot] } });
});

const all = (type: string): [StackName, string, Resource][] =>
  stackNames.flatMap((stack) => ofType(templates[stack], type).map(([id, resource]): [(typeof stackNames)[number], string, Resource] => [stack, id, resource]));
const tableOf = (template: Template, name: string): Resource => {
  const [found] = ofType(template, 'AWS::DynamoDB::Table').filter(([id]) => id.toLowerCase().startsWith(`${name}table`));
  return found![1];
};

describe('the tables', () => {
  test.each(tableNames)('%s has the shape that the record store uses', (name) => {
    const { Properties } = tableOf(templates.data, name);
    const definition = dynamoDbTableDefinitions[name];
    const byName = <T extends { AttributeName?: string | undefined; IndexName?: string | undefined }>(list: unknown) =>
      [...(list as T[])].sort((a, b) => String(a.AttributeName ?? a.IndexName).localeCompare(String(b.AttributeName ?? b.IndexName)));

    expect(Properties.KeySchema).toEqual(definition.KeySchema);
    expect(byName(Properties.AttributeDefinitions)).toEqual(byName(definition.AttributeDefinitions));
    expect(byName(Properties.GlobalSecondaryIndexes)).toEqual(byName(definition.GlobalSecondaryIndexes));
    expect(Properties.BillingMode).toBe(definition.BillingMode);
    expect(Properties.StreamSpecification).toEqual(definition.StreamSpecification === undefined ? undefined : { StreamViewType: definition.StreamSpecification.StreamViewType });
    expect(Properties.TimeToLiveSpecification).toEqual({ AttributeName: definition.timeToLiveAttribute, Enabled: true });
  });

  test.each(tableNames)('%s can be restored, is not deleted by accident, is encrypted under our key and outlives the stack', (name) => {
    const table = tableOf(templates.data, name);

    expect(table.Properties.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(table.Properties.DeletionProtectionEnabled).toBe(true);
    expect(table.Properties.SSESpecification).toMatchObject({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: expect.anything() });
    expect([table.DeletionPolicy, table.UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
  });

  test('the material table has no stream: it would be a second copy of the wrapped keys', () => {
    expect(tableOf(templates.data, 'material').Properties.StreamSpecification).toBeUndefined();
  });

  test('the key of the tables rotates and outlives the stack', () => {
    const [[, key]] = ofType(templates.data, 'AWS::KMS::Key') as [[string, Resource]];

    expect(key.Properties.EnableKeyRotation).toBe(true);
    expect(key.DeletionPolicy).toBe('Retain');
  });
});

describe('the API', () => {
  type Method = Record<string, unknown> & { 'x-amazon-apigateway-integration': { type: string; uri: unknown } };
  const routes = () => {
    const [[, api]] = ofType(templates.api, 'AWS::ApiGateway::RestApi') as [[string, Resource]];
    const { paths } = api.Properties.Body as { paths: Record<string, Record<string, Method>> };
    return Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, definition]) => ({ name: `${method.toUpperCase()} ${path}`, definition })));
  };

  test('has the routes of the registry and POST /, and no other', () => {
    const registered = operations.map(({ http }) => `${http.method} ${http.path}`);

    expect(
      routes()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...registered, 'POST /'].sort());
  });

  test('demands IAM authorization on every route', () => {
    for (const { definition } of routes()) {
      expect(definition['x-amazon-apigateway-auth']).toEqual({ type: 'AWS_IAM' });
      expect(definition.security).toEqual([{ sigv4: [] }]);
    }
  });

  test("leads each route to its own operation's function, and lets the gateway invoke it on that route only", () => {
    const permissions = new Map(
      ofType(templates.api, 'AWS::Lambda::Permission').map(([, { Properties }]) => [
        readable(Properties.FunctionName, 'api', templates),
        readable(Properties.SourceArn, 'api', templates),
      ]),
    );
    for (const { name, http } of [...operations, { name: 'Wire', http: { method: 'POST', path: '/' } }]) {
      const route = routes().find((candidate) => candidate.name === `${http.method} ${http.path}`)!;
      const functionName = name === 'Wire' ? 'wire' : name;
      const path = http.path.replaceAll(/\{[A-Za-z]+\}/g, '*');

      expect(route.definition['x-amazon-apigateway-integration'].type).toBe('aws_proxy');
      expect(readable(route.definition['x-amazon-apigateway-integration'].uri, 'api', templates)).toContain(`:function:chatelaine-${functionName}/invocations`);
      expect(permissions.get(`api.${name}Function.Arn`)).toBe(`arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:api.Api/prod/${http.method}${path}`);
    }
    expect(permissions.size).toBe(operations.length + 1);
  });

  test('never writes bodies into a log, and throttles', () => {
    const [[, stage]] = ofType(templates.api, 'AWS::ApiGateway::Stage') as [[string, Resource]];
    const [settings] = stage.Properties.MethodSettings as Record<string, unknown>[];

    expect(settings).toMatchObject({ DataTraceEnabled: false, HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: expect.any(Number) });
    expect(stage.Properties.AccessLogSetting).toMatchObject({ Format: expect.not.stringMatching(/body|authorization/i) });
  });
});

describe('the functions', () => {
  test('there is one per operation, under its own name, from one code asset, and each logs where retention ends', () => {
    const functions = all('AWS::Lambda::Function');
    const named = functions.map(([, , { Properties }]) => String(Properties.FunctionName));
    const codes = new Set(functions.map(([, , { Properties }]) => JSON.stringify(Properties.Code)));

    for (const { name } of operations) expect(named).toContain(`chatelaine-${name}`);
    expect(named).toHaveLength(operations.length + 5);
    expect(codes.size).toBe(1);
    for (const [, , { Properties }] of functions) expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', LoggingConfig: { LogGroup: expect.anything() } });
    for (const [, , { Properties }] of all('AWS::Logs::LogGroup')) expect(Properties.RetentionInDays).toBe(400);
  });

  test('has nothing secret in an environment: certificates are named, never carried', () => {
    for (const [stack, , { Properties }] of all('AWS::Lambda::Function')) {
      const { Variables } = Properties.Environment as { Variables: Record<string, unknown> };
      for (const [name, value] of Object.entries(Variables)) {
        if (name === 'CHATELAINE_BRIDGE_SECRET') expect(readable(value, stack, templates)).toMatch(/^bridge\.[a-z]+certificate\.Id$/);
        expect(name).toMatch(/^CHATELAINE_[A-Z_]+$/);
      }
    }
  });
});

describe('the queues, rules and the archive', () => {
  test('every queue is encrypted, refuses plain HTTP, and has a dead-letter queue unless it is one', () => {
    const queues = all('AWS::SQS::Queue');
    const policies = all('AWS::SQS::QueuePolicy').map(([stack, , { Properties }]) => ({
      queues: (Properties.Queues as unknown[]).map((queue) => readable(queue, stack, templates)),
      text: JSON.stringify(Properties),
    }));

    expect(queues.length).toBeGreaterThanOrEqual(7);
    for (const [stack, id, { Properties }] of queues) {
      expect(readable(Properties.KmsMasterKeyId, stack, templates)).toBe('keys.Queues.Arn');
      if (!/DeadLetters/.test(id)) expect(Properties.RedrivePolicy).toMatchObject({ maxReceiveCount: expect.any(Number) });
      const name = readable({ Ref: id }, stack, templates);
      expect(policies.some((policy) => policy.queues.includes(name) && policy.text.includes('"aws:SecureTransport":"false"'))).toBe(true);
    }
  });

  test('every rule says what it is for, and each of its targets has a dead-letter queue', () => {
    const rules = all('AWS::Events::Rule');

    expect(rules).toHaveLength(5);
    for (const [, , { Properties }] of rules) {
      expect(Properties.Description).toEqual(expect.stringMatching(/^[A-Z].*\.$/));
      for (const target of Properties.Targets as Record<string, unknown>[]) expect(target.DeadLetterConfig).toBeDefined();
    }
  });

  test('every event source reports the failures of single records', () => {
    for (const [, , { Properties }] of all('AWS::Lambda::EventSourceMapping')) expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
  });

  test('the stream reaches the publisher with rows of the outbox only', () => {
    const sources = all('AWS::Lambda::EventSourceMapping').filter(([, , { Properties }]) => Properties.FilterCriteria !== undefined);

    expect(sources).toHaveLength(1);
    expect(sources[0]![2].Properties.FilterCriteria).toEqual({
      Filters: [{ Pattern: JSON.stringify({ eventName: ['INSERT'], dynamodb: { Keys: { pk: { S: [{ prefix: 'OUTBOX#' }] } } } }) }],
    });
  });

  test('the archive is locked, versioned, private, TLS only, and outlives the stack', () => {
    const [[, bucket]] = ofType(templates.audit, 'AWS::S3::Bucket') as [[string, Resource]];

    expect(bucket.Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 2557 } } },
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
    });
    expect([bucket.DeletionPolicy, bucket.UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
    expect(JSON.stringify(ofType(templates.audit, 'AWS::S3::BucketPolicy'))).toContain('"aws:SecureTransport":"false"');
  });
});

describe('the deployment as a whole', () => {
  test.each(stackNames)('stack %s stays far below the limit of CloudFormation', (name) => {
    expect(Object.keys(templates[name].Resources).length).toBeLessThan(400);
  });

  test('what holds state outlives a production stack', () => {
    const stateful = [...all('AWS::DynamoDB::Table'), ...all('AWS::KMS::Key'), ...all('AWS::S3::Bucket'), ...all('AWS::SecretsManager::Secret')];

    // Three tables, seven keys, the archive, four certificates.
    expect(stateful).toHaveLength(3 + 7 + 1 + 4);
    for (const [, , resource] of stateful) expect([resource.DeletionPolicy, resource.UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
  });

  test('a production deployment cannot be configured to destroy its data, nor to forget its audit trail', () => {
    const config = productionContext().chatelaine as Record<string, unknown>;

    expect(() => readConfig({ ...config, destroyData: true })).toThrow('never destroys its data');
    expect(() => readConfig({ ...config, audit: { retentionDays: 30, lockMode: 'COMPLIANCE' } })).toThrow('a year or longer');
    expect(() => readConfig({ ...config, bridge: { source: 'external', url: 'http://bridge' } })).toThrow();
    expect(() => readConfig({ ...config, unknown: true })).toThrow();
    expect(() => readConfig(undefined)).toThrow('not usable');
  });

  test('a development deployment destroys its tables only when told to, and its audit trail never', () => {
    const audit = { retentionDays: 1, lockMode: 'GOVERNANCE' };
    const kept = synthesise({ profile: 'dev', audit });
    const destroyed = synthesise({ profile: 'dev', audit, destroyData: true });

    expect(tableOf(kept.data, 'core').DeletionPolicy).toBe('Retain');
    expect(tableOf(destroyed.data, 'core').DeletionPolicy).toBe('Delete');
    expect(ofType(destroyed.audit, 'AWS::S3::Bucket')[0]![1].DeletionPolicy).toBe('Retain');
  });

  test('a permissions boundary, where demanded, is on every role', () => {
    const bounded = synthesise({ permissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/boundary' });

    for (const stack of stackNames)
      for (const [, role] of ofType(bounded[stack], 'AWS::IAM::Role')) expect(role.Properties.PermissionsBoundary).toBe('arn:aws:iam::111122223333:policy/boundary');
  });
});

describe('the roots of attestation documents', () => {
  test('reach the functions of the operations that take Recipient, and no others', () => {
    const told = ofType(templates.api, 'AWS::Lambda::Function').flatMap(([, { Properties }]) => {
      const { Variables } = Properties.Environment as { Variables: Readonly<Record<string, string>> };
      return Variables.CHATELAINE_ATTESTATION_ROOTS === nitroRoot ? [Variables.CHATELAINE_OPERATION] : [];
    });

    expect(told.toSorted()).toEqual(operations.flatMap(({ name, recipient }) => (recipient === undefined ? [] : [name])));
  });

  test.each([[[]], [['641a']], [[`${nitroRoot}00`]]])('%j is refused before anything is synthesised', (roots) => {
    const { chatelaine } = productionContext({ attestation: { roots } });

    expect(() => readConfig(chatelaine)).toThrow(/attestation/);
  });
});
