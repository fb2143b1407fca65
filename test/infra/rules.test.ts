/** Every rule of our own fires on a stack that was broken on purpose, and on no other. */
import { App, Stack } from 'aws-cdk-lib';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type DeploymentConfig, readConfig } from '#cdk/config/deployment-config.ts';
import { signingKey } from '#cdk/constructs/signing-key.ts';
import { deployedFrom } from '#cdk/rules/deployed.ts';
import { rules } from '#cdk/rules/index.ts';
import { productionContext, type Resource, synthesise, synthesiseWithRules } from './synthesised.ts';

interface Editable {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is broken on purpose here.
  Properties: any;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}
// biome-ignore lint/suspicious/noExplicitAny: and a policy.
type EditableStatement = any;
type Stacks = Record<string, { Resources: Record<string, Editable> }>;

let templates: Stacks;
let config: DeploymentConfig;
beforeAll(() => {
  const network = { zones: 3 };
  templates = Object.fromEntries(Object.entries(synthesise({ network })).map(([name, template]) => [`chatelaine-${name}`, template])) as unknown as Stacks;
  config = readConfig(productionContext({ network }).chatelaine);
});

const resource = (stacks: Stacks, stack: string, id: RegExp): Editable => Object.entries(stacks[`chatelaine-${stack}`]!.Resources).find(([name]) => id.test(name))![1];
const first = (stacks: Stacks, stack: string, type: string): Editable => Object.values(stacks[`chatelaine-${stack}`]!.Resources).find(({ Type }) => Type === type)!;
const add = (stacks: Stacks, stack: string, id: string, added: Partial<Resource> & Editable) => Object.assign(stacks[`chatelaine-${stack}`]!.Resources, { [id]: added });
const statement = (stacks: Stacks, id: RegExp) => resource(stacks, 'api', id).Properties.Policies[0].PolicyDocument.Statement[0];
const keyStatement = (stacks: Stacks, sid: string) => resource(stacks, 'keys', /^Queues/).Properties.KeyPolicy.Statement.find((one: { Sid: string }) => one.Sid === sid);
const rowStatement = (stacks: Stacks) =>
  resource(stacks, 'api', /^EncryptRole/).Properties.Policies[0].PolicyDocument.Statement.find(
    ({ Condition }: { Condition?: object }) => Condition !== undefined && 'ForAllValues:StringLike' in Condition,
  );
const route = (stacks: Stacks) => first(stacks, 'api', 'AWS::ApiGateway::RestApi').Properties.Body.paths['/v1/keys'];
const keyRule = (stacks: Stacks) => resource(stacks, 'observability', /^KeyChanges/).Properties;
const watchedKeys = (stacks: Stacks): unknown[] => keyRule(stacks).EventPattern.detail.resources.ARN;
const cluster = (changes: object, policies: object = {}): Editable => ({
  Type: 'AWS::CloudHSM::Cluster',
  Properties: { HsmType: 'hsm2m.medium', Mode: 'FIPS', ...changes },
  DeletionPolicy: 'Retain',
  UpdateReplacePolicy: 'Retain',
  ...policies,
});

const keySpec = KeySpec.ECC_NIST_P256;
/** A key that signs, as its stack would have it. */
function keyMadeBy(make: (stack: Stack) => unknown): Editable {
  const app = new App({ analyticsReporting: false });
  make(new Stack(app, 'one'));
  const template = app.synth().getStackByName('one').template as Stacks[string];
  return Object.values(template.Resources).find(({ Type }) => Type === 'AWS::KMS::Key')!;
}
const authority = (): Editable => keyMadeBy((stack) => signingKey(stack, 'Authority', { description: 'Signs.', keySpec, signer: 'issuer', destroyData: false }));
function addKey(stacks: Stacks, key: Editable): void {
  add(stacks, 'observability', 'Authority', key);
  watchedKeys(stacks).push({ 'Fn::GetAtt': ['Authority', 'Arn'] });
}
/** The deployment with an authority whose policy was changed. */
function withAuthority(stacks: Stacks, change: (named: (sid: string) => EditableStatement, key: Editable) => unknown): void {
  const key = authority();
  change((sid) => key.Properties.KeyPolicy.Statement.find(({ Sid }: EditableStatement) => Sid === sid), key);
  addKey(stacks, key);
}

/** Names of the rules that find something, each once. */
function broken(change: (stacks: Stacks) => unknown): string[] {
  const stacks = structuredClone(templates);
  change(stacks);
  const deployed = deployedFrom(stacks, config);
  return rules.filter((rule) => rule.check(deployed).length > 0).map(({ name }) => name);
}

const cases: readonly [rule: string, how: string, change: (stacks: Stacks) => unknown][] = [
  ['routes-are-authorized', 'a route without authorization', (s) => delete route(s).post['x-amazon-apigateway-auth']],
  ['routes-are-authorized', 'a route whose security is optional', (s) => route(s).post.security.push({})],
  ['routes-are-authorized', 'a route for any method', (s) => Object.assign(route(s), { 'x-amazon-apigateway-any-method': route(s).post })],
  [
    'routes-are-authorized',
    'a method beside the document',
    (s) => add(s, 'api', 'Open', { Type: 'AWS::ApiGateway::Method', Properties: { AuthorizationType: 'NONE', HttpMethod: 'GET' } }),
  ],
  ['routes-are-authorized', 'a function with a URL of its own', (s) => add(s, 'api', 'Url', { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'NONE' } })],
  ['routes-are-authorized', 'an HTTP API', (s) => add(s, 'api', 'Http', { Type: 'AWS::ApiGatewayV2::Api', Properties: {} })],
  [
    'stages-keep-bodies-to-themselves',
    'data tracing on one route',
    (s) => Object.assign(first(s, 'api', 'AWS::ApiGateway::Stage').Properties.MethodSettings.at(-1), { DataTraceEnabled: true }),
  ],
  ['stages-keep-bodies-to-themselves', 'caching', (s) => Object.assign(first(s, 'api', 'AWS::ApiGateway::Stage').Properties.MethodSettings[0], { CachingEnabled: true })],
  ['stages-keep-bodies-to-themselves', 'a route without a throttle', (s) => delete first(s, 'api', 'AWS::ApiGateway::Stage').Properties.MethodSettings[0].ThrottlingRateLimit],
  [
    'stages-keep-bodies-to-themselves',
    'an access log with a body',
    (s) => Object.assign(first(s, 'api', 'AWS::ApiGateway::Stage').Properties.AccessLogSetting, { Format: '{"b":"$input.body"}' }),
  ],
  ['web-acl-is-in-front', 'no web ACL', (s) => Object.assign(first(s, 'api', 'AWS::WAFv2::WebACLAssociation'), { Type: 'AWS::WAFv2::IPSet' })],
  ['hsm-cluster-is-fips-and-kept', 'a cluster out of FIPS mode', (s) => add(s, 'data', 'Cluster', cluster({ Mode: 'NON_FIPS' }))],
  ['hsm-cluster-is-fips-and-kept', 'a cluster without a mode', (s) => add(s, 'data', 'Cluster', cluster({ Mode: undefined }))],
  ['hsm-cluster-is-fips-and-kept', 'a cluster of the old type', (s) => add(s, 'data', 'Cluster', cluster({ HsmType: 'hsm1.medium' }))],
  [
    'hsm-group-is-closed',
    'addresses on the ports of the HSM',
    (s) => add(s, 'network', 'Open', { Type: 'AWS::EC2::SecurityGroupIngress', Properties: { IpProtocol: 'tcp', FromPort: 2223, ToPort: 2225, CidrIp: '10.0.0.0/8' } }),
  ],
  [
    'hsm-group-is-closed',
    'addresses on every port',
    (s) => add(s, 'network', 'Open', { Type: 'AWS::EC2::SecurityGroup', Properties: { SecurityGroupIngress: [{ IpProtocol: '-1', CidrIp: '0.0.0.0/0' }] } }),
  ],
  [
    'hsm-group-is-closed',
    'a function beside the HSM',
    (s) => {
      const group = { Ref: 'Near' };
      add(s, 'api', 'Near', { Type: 'AWS::EC2::SecurityGroup', Properties: {} });
      add(s, 'api', 'Towards', { Type: 'AWS::EC2::SecurityGroupEgress', Properties: { GroupId: group, IpProtocol: 'tcp', FromPort: 2223, ToPort: 2225 } });
      Object.assign(first(s, 'api', 'AWS::Lambda::Function').Properties, { VpcConfig: { SecurityGroupIds: [group] } });
    },
  ],
  ['tables-are-protected', 'no recovery', (s) => delete resource(s, 'data', /^CoreTable/).Properties.PointInTimeRecoverySpecification],
  ['tables-are-protected', 'no protection against deletion', (s) => Object.assign(resource(s, 'data', /^OpsTable/).Properties, { DeletionProtectionEnabled: false })],
  [
    'material-has-no-stream',
    'a stream of wrapped keys',
    (s) => Object.assign(resource(s, 'data', /^MaterialTable/).Properties, { StreamSpecification: { StreamViewType: 'KEYS_ONLY' } }),
  ],
  ['state-is-kept', 'a table that goes with its stack', (s) => Object.assign(resource(s, 'data', /^CoreTable/), { DeletionPolicy: 'Delete' })],
  ['state-is-kept', 'a key that a replacement deletes', (s) => Object.assign(resource(s, 'data', /^TableKey/), { UpdateReplacePolicy: 'Delete' })],
  ['nothing-is-dropped', 'a queue without dead letters', (s) => delete resource(s, 'lifecycle', /^TasksQueue[0-9A-F]{8}$/).Properties.RedrivePolicy],
  ['nothing-is-dropped', 'a bus without dead letters', (s) => delete resource(s, 'audit', /^Bus/).Properties.DeadLetterConfig],
  ['nothing-is-dropped', 'a target without dead letters', (s) => delete first(s, 'lifecycle', 'AWS::Events::Rule').Properties.Targets[0].DeadLetterConfig],
  ['nothing-is-dropped', 'a stream without dead letters', (s) => delete resource(s, 'lifecycle', /^OutboxSource/).Properties.DestinationConfig.OnFailure],
  [
    'queues-raise-alarms',
    'a queue that nobody watches',
    (s) => add(s, 'audit', 'Lonely', { Type: 'AWS::SQS::Queue', Properties: { ...resource(s, 'audit', /^ArrivalsQueue[0-9A-F]{8}$/).Properties } }),
  ],
  [
    'queues-raise-alarms',
    'nobody told of dead letters',
    (s) => {
      const { Resources } = s['chatelaine-observability']!;
      for (const [id, { Type }] of Object.entries(Resources)) if (Type === 'AWS::CloudWatch::Alarm') delete Resources[id];
    },
  ],
  ['archive-is-locked', 'an archive without a lock', (s) => delete resource(s, 'audit', /^Archive[0-9A-F]{8}$/).Properties.ObjectLockConfiguration],
  ['archive-is-locked', 'a shorter lock', (s) => Object.assign(resource(s, 'audit', /^Archive[0-9A-F]{8}$/).Properties.ObjectLockConfiguration.Rule.DefaultRetention, { Days: 1 })],
  ['permissions-are-exact', 'an action on everything', (s) => Object.assign(statement(s, /^EncryptRole/), { Resource: '*' })],
  ['roles-have-a-boundary', 'a role without its boundary', (s) => delete resource(s, 'api', /^EncryptRole/).Properties.PermissionsBoundary],
  ['roles-have-a-boundary', 'a user', (s) => add(s, 'api', 'User', { Type: 'AWS::IAM::User', Properties: {} })],
  ['roles-within-boundary', 'an action that the boundary refuses', (s) => Object.assign(statement(s, /^EncryptRole/), { Action: ['dynamodb:ExportTableToPointInTime'] })],
  ['functions-are-invoked-by-services', 'a role that may invoke functions', (s) => Object.assign(statement(s, /^EncryptRole/), { Action: 'lambda:InvokeFunction' })],
  [
    'functions-are-invoked-by-services',
    'an account that may invoke a function',
    (s) => Object.assign(first(s, 'api', 'AWS::Lambda::Permission').Properties, { Principal: '444455556666' }),
  ],
  ['functions-are-invoked-by-services', 'a service that may invoke for anybody', (s) => delete first(s, 'api', 'AWS::Lambda::Permission').Properties.SourceArn],
  [
    'stored-under-own-keys',
    "a queue under AWS's own key",
    (s) => Object.assign(resource(s, 'lifecycle', /^TasksQueue[0-9A-F]{8}$/).Properties, { KmsMasterKeyId: 'alias/aws/sqs' }),
  ],
  ['stored-under-own-keys', 'a bus', (s) => delete resource(s, 'audit', /^Bus/).Properties.KmsKeyIdentifier],
  ['stored-under-own-keys', 'a log', (s) => delete resource(s, 'api', /^AccessLogs/).Properties.KmsKeyId],
  ['stored-under-own-keys', 'a certificate', (s) => delete first(s, 'bridge', 'AWS::SecretsManager::Secret').Properties.KmsKeyId],
  ['stored-under-own-keys', 'notifications', (s) => delete first(s, 'observability', 'AWS::SNS::Topic').Properties.KmsMasterKeyId],
  [
    'stored-under-own-keys',
    'the archive',
    (s) =>
      Object.assign(first(s, 'audit', 'AWS::S3::Bucket').Properties.BucketEncryption.ServerSideEncryptionConfiguration[0], {
        ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
      }),
  ],
  ['stored-under-own-keys', 'a key that does not rotate', (s) => Object.assign(resource(s, 'keys', /^Logs/).Properties, { EnableKeyRotation: false })],
  ['key-changes-raise-alarms', 'a key that nobody watches', (s) => watchedKeys(s).splice(0, 1)],
  ['key-changes-raise-alarms', 'nobody told of deletions', (s) => Object.assign(keyRule(s).EventPattern.detail, { eventName: ['DisableKey', 'PutKeyPolicy'] })], // biome-ignore format: one case
  ['key-changes-raise-alarms', 'changes of keys that reach nobody', (s) => Object.assign(keyRule(s).Targets[0], { Arn: 'arn:aws:sqs:eu-west-1:111122223333:nobody' })], // biome-ignore format: one case
  ['key-changes-raise-alarms', 'a rule that is off', (s) => Object.assign(keyRule(s), { State: 'DISABLED' })],
  ['keys-are-closed', 'a key for whatever the account allows', (s) => Object.assign(keyStatement(s, 'Use'), { Condition: {} })],
  ['keys-are-closed', 'a key through a service, for any account', (s) => delete keyStatement(s, 'Use').Condition.StringEquals['kms:CallerAccount']],
  ['keys-are-closed', 'a key for whoever a service acts for', (s) => Object.assign(keyStatement(s, 'Service0'), { Condition: {} })],
  ['keys-are-closed', 'a key for all that an administrator may', (s) => Object.assign(keyStatement(s, 'Administration'), { Action: ['kms:PutKeyPolicy', 'kms:*'] })],
  ['keys-are-closed', 'a key for everybody', (s) => Object.assign(keyStatement(s, 'Administration'), { Principal: '*' })],
  ['keys-are-closed', 'a policy that nobody can change', (s) => Object.assign(keyStatement(s, 'Administration'), { Action: 'kms:DescribeKey' })],
  ['keys-are-closed', 'a policy that nobody may change', (s) => resource(s, 'keys', /^Queues/).Properties.KeyPolicy.Statement.push({ Effect: 'Deny', Principal: { AWS: '*' }, Action: 'kms:PutKeyPolicy', Resource: '*' })], // biome-ignore format: one case
  ['keys-are-closed', 'a key for all but a list', (s) => Object.assign(keyStatement(s, 'Use'), { Action: undefined, NotAction: 'kms:PutKeyPolicy' })],
  [
    'keys-are-closed',
    "a key that signs, with the CDK's own policy",
    (s) => {
      const key = keyMadeBy((stack) => new Key(stack, 'Default', { keySpec, keyUsage: KeyUsage.SIGN_VERIFY }));
      addKey(s, key);
    },
  ],
  ['keys-are-closed', "a key that signs, with AWS's own policy", (s) => withAuthority(s, (_, key) => delete key.Properties.KeyPolicy)],
  ['keys-are-closed', 'a key with which the account signs', (s) => withAuthority(s, (named) => delete named('Sign').Condition.ArnEquals)],
  ['keys-are-closed', 'a key with which roles of a kind sign', (s) => withAuthority(s, (named) => Object.assign(named('Sign').Condition.ArnEquals, { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/*' }))], // biome-ignore format: one case
  ['keys-are-closed', 'a key with which two roles sign', (s) => withAuthority(s, (named) => Object.assign(named('Sign').Condition.ArnEquals, { 'aws:PrincipalArn': ['arn:aws:iam::111122223333:role/a', 'arn:aws:iam::111122223333:role/b'] }))], // biome-ignore format: one case
  ['keys-are-closed', 'a key with which an administrator signs', (s) => withAuthority(s, (named) => named('Administration').Action.push('kms:Sign'))],
  ['keys-are-closed', 'a key whose signer makes others', (s) => withAuthority(s, (named) => named('Sign').Action.push('kms:CreateGrant'))],
  ['keys-are-closed', 'a key that signs and can be deleted', (s) => withAuthority(s, (named) => Object.assign(named('Kept'), { Action: 'kms:DisableKey' }))],
  ['keys-are-closed', 'a key that signs, whose policy only the signer changes', (s) => withAuthority(s, (named) => Object.assign(named('Administration'), { Condition: named('Sign').Condition }))], // biome-ignore format: one case
  ['rows-are-reached-by-partition', 'any row of a table', (s) => delete rowStatement(s).Condition],
  ['rows-are-reached-by-partition', 'partitions of any kind', (s) => Object.assign(rowStatement(s).Condition['ForAllValues:StringLike'], { 'dynamodb:LeadingKeys': '*' })],
  ['policies-fit', 'a role with too much to say', (s) => Object.assign(statement(s, /^EncryptRole/), { Sid: 'x'.repeat(9000) })],
  [
    'stacks-stay-small',
    'a stack near the limit',
    (s) => {
      for (let at = 0; at < 400; at++) add(s, 'data', `More${at}`, { Type: 'AWS::SSM::Parameter', Properties: {} });
    },
  ],
];

describe('the rules of our own', () => {
  test('find nothing in a production deployment', () => {
    expect(broken(() => undefined)).toEqual([]);
  });

  test('find nothing in the key of an authority', () => {
    expect(broken((s) => withAuthority(s, () => undefined))).toEqual([]);
  });

  test.each(cases)('%s: %s', (rule, _, change) => {
    expect(broken(change)).toEqual([rule]);
  });

  test('a cluster that its stack would delete breaks two of them, and a wildcard action too', () => {
    expect(broken((s) => add(s, 'data', 'Cluster', cluster({}, { DeletionPolicy: 'Delete' })))).toEqual(['hsm-cluster-is-fips-and-kept', 'state-is-kept']);
    expect(broken((s) => Object.assign(statement(s, /^EncryptRole/), { Action: 'dynamodb:*' }))).toEqual(['permissions-are-exact', 'roles-within-boundary']);
    for (const Action of ['dynamodb:Scan', 'dynamodb:PartiQLSelect'])
      expect(broken((s) => Object.assign(rowStatement(s), { Action }))).toEqual(['roles-within-boundary', 'rows-are-reached-by-partition']);
    const unprotected = { SSESpecification: { SSEEnabled: true } };
    expect(broken((s) => Object.assign(resource(s, 'data', /^MaterialTable/).Properties, unprotected))).toEqual(['stored-under-own-keys', 'tables-are-protected']);
  });

  test('each of them is proven here', () => {
    expect([...new Set(cases.map(([rule]) => rule))].sort()).toEqual(rules.map(({ name }) => name).sort());
  });

  test('fail the synthesis, as those of cdk-nag do', () => {
    const careless = () => synthesiseWithRules(({ stacks }) => void new Queue(stacks.audit, 'Lonely', { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true }));

    expect(careless).toThrow(/Lonely[\s\S]*has no dead-letter queue and is none|nothing-is-dropped/);
  });
});
