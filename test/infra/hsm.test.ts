import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '#cdk/config/deployment-config.ts';
import { createHsmStack } from '#cdk/stacks/create-hsm-stack.ts';
import { KeysStack } from '#cdk/stacks/keys-stack.ts';
import { NetworkStack } from '#cdk/stacks/network-stack.ts';
import { hsmSettingsSchema } from '#shared/cloudhsm/settings.ts';
import { keysTag, usersTag } from '#shared/cloudhsm/tags.ts';
import { functionEnvironments } from '#shared/env/function-environment.ts';
import { testPki } from '#test/support/cloudhsm-control-plane/test-pki.ts';
import { ofType, productionContext, type Resource, readable, synthesise, type Template, type Templates } from './synthesised.ts';

let roots: string;
let templates: Templates;
let managed: Template;
let restored: Template;
let existing: Template;
let withOfficer: Template;
const image = { repository: 'chatelaine/bridge', digest: `sha256:${'ab'.repeat(32)}` };
const officer = 'arn:aws:iam::111122223333:user/officer';
const secretArn = (name: string) => `arn:aws:secretsmanager:us-east-1:111122223333:secret:${name}-AbCdEf`;
const secrets = { trustAnchorSecretArn: secretArn('anchor'), pinSecretArn: secretArn('pin') };
const managedHsm = (changes: object = {}) => ({
  source: 'managed',
  hsms: 3,
  hardwareRoots: roots,
  administratorImage: image,
  secondRegion: 'eu-west-1',
  ...changes,
});
const withHsm = (hsm: object) => ({ network: { zones: 3 }, hsm });
/** The stack without the others and without the rule packs, which take most of the time. */
function alone(hsm: object, changes: object = {}): Template {
  const app = new App({ analyticsReporting: false });
  const config = readConfig(productionContext({ ...withHsm(hsm), ...changes }).chatelaine);
  const network = new NetworkStack(app, 'network', { ...config, network: config.network! }, {});
  createHsmStack(app, 'hsm', config, roots, network, new KeysStack(app, 'keys', config, {}), {});
  return app.synth().getStackByName('hsm').template as Template;
}
beforeAll(() => {
  roots = mkdtempSync(join(tmpdir(), 'chatelaine-roots-'));
  writeFileSync(join(roots, 'aws.pem'), testPki().roots.aws);
  writeFileSync(join(roots, 'manufacturer.pem'), testPki().roots.manufacturer);
  templates = synthesise(withHsm(managedHsm()));
  managed = templates.hsm;
  restored = alone({ source: 'restore', hsms: 2, backupId: 'backup-aaaaaaaaaaa', ...secrets });
  withOfficer = alone(managedHsm({ breakGlassPrincipals: [officer] }));
  existing = alone({ source: 'existing', clusterId: 'cluster-aaaaaaaaaaa', ...secrets });
});
afterAll(() => rmSync(roots, { recursive: true, force: true }));

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, unknown>;
}
const statementsOf = ({ Properties }: Resource): Statement[] =>
  [
    ...((Properties.Policies ?? []) as { PolicyDocument: { Statement: Statement[] } }[]).flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
    ...((Properties.PolicyDocument as { Statement: Statement[] } | undefined)?.Statement ?? []),
  ].flat();
const actionsOf = (resource: Resource): string[] => statementsOf(resource).flatMap(({ Action }) => Action);
const roleNamed = (template: Template, start: string): Resource => ofType(template, 'AWS::IAM::Role').find(([id]) => id.startsWith(start))![1];
const authority = (template: Template) => ofType(template, 'AWS::KMS::Key').filter(([id]) => id.startsWith('Authority'));
const steps = (template: Template) => ofType(template, 'Custom::ChatelaineHsmStep');
const deletes = /Delete|Untag|Terminate|ModifyCluster/;

describe('rights', () => {
  test('nothing but the break-glass role may delete anything', () => {
    for (const template of [managed, restored, existing])
      for (const [id, resource] of [...ofType(template, 'AWS::IAM::Role'), ...ofType(template, 'AWS::IAM::Policy')].filter(([name]) => !name.startsWith('BreakGlass')))
        expect(
          actionsOf(resource).filter((action) => deletes.test(action) && !action.startsWith('logs:')),
          id,
        ).toEqual([]);
  });

  test('the break-glass role trusts the named principals alone, with MFA of this hour, and may do nothing but delete', () => {
    const { Properties } = roleNamed(withOfficer, 'BreakGlassRole');

    expect(Properties.MaxSessionDuration).toBe(3600);
    expect(Properties.AssumeRolePolicyDocument).toMatchObject({
      Statement: [
        {
          Action: 'sts:AssumeRole',
          Principal: { AWS: officer },
          Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' }, NumericLessThan: { 'aws:MultiFactorAuthAge': '3600' } },
        },
      ],
    });
    expect(actionsOf(roleNamed(withOfficer, 'BreakGlassRole')).sort()).toEqual(
      ['DeleteBackup', 'DeleteCluster', 'DeleteHsm', 'DescribeBackups', 'DescribeClusters', 'RestoreBackup'].map((name) => `cloudhsm:${name}`),
    );
  });

  test('without named principals there is no role that deletes', () => {
    expect(ofType(restored, 'AWS::IAM::Role').filter(([id]) => id.startsWith('BreakGlass'))).toEqual([]);
  });

  test('the reconciler has exactly these actions, and makes and changes what carries its tag', () => {
    const reconciler = roleNamed(managed, 'Reconcile');

    expect(actionsOf(reconciler).toSorted()).toEqual([
      'cloudhsm:CreateCluster',
      'cloudhsm:CreateHsm',
      'cloudhsm:DescribeBackups',
      'cloudhsm:DescribeClusters',
      'cloudhsm:InitializeCluster',
      'cloudhsm:TagResource',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'ec2:AuthorizeSecurityGroupEgress',
      'ec2:AuthorizeSecurityGroupIngress',
      'ec2:CreateNetworkInterface',
      'ec2:CreateSecurityGroup',
      'ec2:CreateSecurityGroup',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVpcs',
      'ec2:RevokeSecurityGroupEgress',
      'events:PutEvents',
      'iam:CreateServiceLinkedRole',
      'kms:Decrypt',
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:DescribeKey',
      'kms:DisableKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:GenerateDataKey',
      'kms:GenerateDataKeyWithoutPlaintext',
      'kms:GetPublicKey',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
      'kms:Sign',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
    ]);
    for (const statement of statementsOf(reconciler).filter(({ Action }) => /cloudhsm:(Create|Initialize|Tag)/.test(String(Action))))
      expect(JSON.stringify(statement.Condition)).toMatch(/aws:(Request|Resource)Tag\/chatelaine:deployment":"chatelaine"/);
  });

  test('an existing cluster is only looked at', () => {
    expect(actionsOf(roleNamed(existing, 'Reconcile')).filter((action) => /^(cloudhsm|ec2|iam):/.test(action))).toEqual(['cloudhsm:DescribeClusters']);
  });

  test('the guardian may look, copy, tag and keep', () => {
    expect([...new Set(actionsOf(roleNamed(managed, 'BackupGuardian')).filter((action) => action.startsWith('cloudhsm:')))].toSorted()).toEqual(
      ['CopyBackupToRegion', 'DescribeBackups', 'DescribeClusters', 'ModifyBackupAttributes', 'TagResource'].map((name) => `cloudhsm:${name}`),
    );
    expect(actionsOf(roleNamed(restored, 'BackupGuardian'))).not.toContain('cloudhsm:CopyBackupToRegion');
  });
});

describe('the steps', () => {
  test('stand one after the other, each a custom resource of its own', () => {
    const phases = (template: Template) => steps(template).map(([, { Properties }]) => [Properties.Phase, Properties.Hsms].filter(Boolean).join(' '));

    expect(phases(managed)).toEqual(['initialised', 'active', 'scaled 1', 'scaled 2', 'scaled 3', 'ready']);
    expect(phases(restored)).toEqual(['initialised', 'scaled 1', 'scaled 2', 'ready']);
    expect(phases(existing)).toEqual(['ready']);
    for (const [at, [, step]] of steps(managed).entries()) if (at > 0) expect((step as Resource & { DependsOn: string[] }).DependsOn).toContain(steps(managed)[at - 1]![0]);
  });

  test('the last one is taken again for another epoch of the domain keys, when the bridge is the own one', () => {
    const fargate = (epoch: number) => ({ bridge: { source: 'fargate', image, tasks: { min: 3, max: 6 }, epoch } });
    const last = (template: Template) => steps(template).at(-1)![1].Properties;

    expect(last(alone(managedHsm({ administratorImage: undefined }), fargate(2)))).toMatchObject({ Phase: 'ready', Epoch: '2' });
    expect(last(managed).Epoch).toBeUndefined();
  });

  test('activation waits for the rules that let the bridge and its administration reach the HSM', () => {
    const [[ingress]] = ofType(managed, 'AWS::EC2::SecurityGroupIngress') as [[string, Resource]];
    const active = steps(managed).find(([, { Properties }]) => Properties.Phase === 'active')![1] as Resource & { DependsOn: string[] };

    expect(active.DependsOn).toContain(ingress);
  });

  test('the function finds settings that it understands in its environment', () => {
    for (const template of [managed, restored, existing]) {
      const [, reconcile] = ofType(template, 'AWS::Lambda::Function').find(([id]) => id.startsWith('Reconcile'))!;
      const { CHATELAINE_HSM: value } = (reconcile.Properties.Environment as { Variables: Record<string, unknown> }).Variables;
      const text =
        typeof value === 'string' ? value : (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : 'token')).join('');

      expect(hsmSettingsSchema.parse(JSON.parse(text))).toMatchObject({ deployment: 'chatelaine' });
    }
  });
});

describe('the network of the HSM', () => {
  test('one group reaches it, the bridge, on the ports of the HSM', () => {
    for (const template of [managed, restored, existing]) {
      const rules = ofType(template, 'AWS::EC2::SecurityGroupIngress');

      expect(rules).toHaveLength(1);
      expect(rules[0]![1].Properties).toMatchObject({ IpProtocol: 'tcp', FromPort: 2223, ToPort: 2225 });
      expect(JSON.stringify(rules[0]![1].Properties.SourceSecurityGroupId)).toContain('BridgeGroup');
      expect(rules[0]![1].Properties.CidrIp).toBeUndefined();
    }
  });

  test('no function stands in it', () => {
    for (const [, { Properties }] of ofType(managed, 'AWS::Lambda::Function')) expect(Properties.VpcConfig).toBeUndefined();
  });
});

describe('the task that administers the HSM', () => {
  const container = (template: Template) => {
    const [[, { Properties }]] = ofType(template, 'AWS::ECS::TaskDefinition') as [[string, Resource]];
    return (Properties.ContainerDefinitions as Record<string, unknown>[])[0]!;
  };
  const environmentOf = (template: Template) => Object.fromEntries((container(template).Environment as { Name: string; Value: unknown }[]).map(({ Name, Value }) => [Name, Value]));

  test('runs the one step of the image, in place of its bridge, as nobody and with a root that is not writable', () => {
    expect(container(managed)).toMatchObject({ EntryPoint: ['/usr/local/bin/node'], User: '10001:10001', ReadonlyRootFilesystem: true, Privileged: false });
    expect((container(managed).Command as string[]).join(' ')).toContain('/app/lambda/hsm-administrator.mjs');
    expect(container(managed).LinuxParameters).toMatchObject({ Capabilities: { Drop: ['ALL'] } });
  });

  test('finds all that it reads in its environment and in the request', () => {
    const [, rule] = ofType(managed, 'AWS::Events::Rule').find(([, { Properties }]) => JSON.stringify(Properties.EventPattern ?? '').includes('chatelaine.hsm'))!;
    const { InputTransformer } = (rule.Properties.Targets as { InputTransformer: { InputTemplate: string; InputPathsMap: Record<string, string> } }[])[0]!;
    const requested = [...InputTransformer.InputTemplate.matchAll(/"name":"([A-Z_]+)"/g)].map((match) => match[1]!);
    const needed = Object.entries(functionEnvironments.hsmAdministrator().shape).flatMap(([name, schema]) => (schema.safeParse(undefined).success ? [] : [name]));

    expect([...Object.keys(environmentOf(managed)), ...requested]).toEqual(expect.arrayContaining(needed));
    expect(Object.values(InputTransformer.InputPathsMap).toSorted()).toEqual(['$.detail.clusterId', '$.detail.epoch', '$.detail.step']);
  });

  test('and it alone may read the passwords of the officer and of the owner of the keys', () => {
    const readers = [...ofType(managed, 'AWS::IAM::Role'), ...ofType(managed, 'AWS::IAM::Policy')].filter(([, resource]) =>
      /(AdminPassword|KeyOwner)[0-9A-F]{8}"/.test(JSON.stringify(statementsOf(resource).filter(({ Action }) => String(Action).includes('secretsmanager:GetSecretValue')))),
    );

    expect(readers.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual(['AdministrationTaskTaskRoleDefaultPolicy']);
  });

  test('reports by the tags that the reconciler looks for, and may set no other', () => {
    const [, task] = ofType(managed, 'AWS::IAM::Policy').find(([id]) => id.startsWith('AdministrationTaskTaskRole'))!;
    const [tagging] = statementsOf(task).filter(({ Action }) => String(Action).includes('TagResource'));

    expect(tagging!.Condition).toEqual({ 'ForAllValues:StringEquals': { 'aws:TagKeys': [usersTag, keysTag] } });
  });

  test('of a cluster with one or two HSMs, keys are used although they are on one only', () => {
    expect(environmentOf(managed).CHATELAINE_HSM_FEW).toBeUndefined();
    expect(environmentOf(alone(managedHsm({ hsms: 2 }))).CHATELAINE_HSM_FEW).toBe('1');
  });
});

describe('what must not be lost', () => {
  test('secrets, the key of the authority and the journal outlive the stack', () => {
    const kept = [...ofType(managed, 'AWS::SecretsManager::Secret'), ...ofType(managed, 'AWS::KMS::Key'), ...ofType(managed, 'AWS::DynamoDB::Table')];

    expect(kept).toHaveLength(4 + 2 + 1);
    for (const [id, resource] of kept) expect([id, resource.DeletionPolicy, resource.UpdateReplacePolicy]).toEqual([id, 'Retain', 'Retain']);
  });

  test('no password is in a template: each is generated, of a length that the HSM takes', () => {
    const generated = ofType(managed, 'AWS::SecretsManager::Secret').filter(([, { Properties }]) => Properties.GenerateSecretString !== undefined);

    expect(generated).toHaveLength(3);
    for (const [, { Properties }] of generated) expect(Properties.GenerateSecretString).toMatchObject({ PasswordLength: 32, ExcludePunctuation: true });
    for (const [, { Properties }] of ofType(managed, 'AWS::SecretsManager::Secret')) expect(Properties.SecretString).toBeUndefined();
  });

  test('the authority can sign and nothing else, for the reconciler and nobody else, and is there only where it is asked for', () => {
    const external = alone(managedHsm({ pki: 'external' }));

    const { Statement } = authority(managed)[0]![1].Properties.KeyPolicy as { Statement: (Statement & { Effect: string })[] };
    const about = (effect: string, action: string) => Statement.filter(({ Effect, Action }) => Effect === effect && [Action].flat().includes(action));
    const reconciler = readable(roleNamed(managed, 'ReconcileRole').Properties.RoleName, 'hsm', templates);
    const whose = (operator: string, [statement]: Statement[]) => readable((statement!.Condition![operator] as Record<string, unknown>)['aws:PrincipalArn'], 'hsm', templates);

    expect(authority(managed)[0]![1].Properties).toMatchObject({ KeySpec: 'RSA_4096', KeyUsage: 'SIGN_VERIFY' });
    expect(whose('ArnEquals', about('Allow', 'kms:Sign'))).toMatch(new RegExp(`:role/${reconciler}$`));
    // It signs once and switches the key off. Nobody else does that, and nobody deletes it.
    expect(whose('ArnNotEquals', about('Deny', 'kms:DisableKey'))).toMatch(new RegExp(`:role/${reconciler}$`));
    expect(about('Deny', 'kms:ScheduleKeyDeletion').map(({ Condition }) => Condition)).toEqual([undefined]);
    expect(authority(external)).toEqual([]);
    expect(actionsOf(roleNamed(external, 'Reconcile')).filter((action) => /^kms:(Sign|DisableKey|GetPublicKey)$/.test(action))).toEqual([]);
  });
});

describe('the stack', () => {
  test('stays far below the limit of CloudFormation, and every target of a rule has a dead-letter queue', () => {
    expect(Object.keys(managed.Resources).length).toBeLessThan(100);
    for (const [, { Properties }] of ofType(managed, 'AWS::Events::Rule'))
      for (const target of Properties.Targets as Record<string, unknown>[]) expect(target.DeadLetterConfig).toBeDefined();
  });

  test.each([
    ['hsm1.medium, or another mode, cannot be asked for', () => withHsm(managedHsm({ hsmType: 'hsm1.medium' })), 'hsm1|Unrecognized'],
    ['a cluster without a network is refused', () => ({ network: undefined, hsm: managedHsm() }), 'network'],
    ['an image without a digest is refused', () => withHsm(managedHsm({ administratorImage: { ...image, digest: 'latest' } })), 'administratorImage'],
    ['a managed cluster that nobody could administer is refused', () => withHsm(managedHsm({ administratorImage: undefined })), 'administratorImage'],
    ['a production deployment on one HSM is refused', () => withHsm(managedHsm({ hsms: 1 })), 'two HSMs or more'],
  ])('%s', (_, config, message) => {
    expect(() => synthesise(config())).toThrow(new RegExp(message));
  });
});
