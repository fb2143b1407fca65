/** The deployment with all of its parts: the profile for production, and other choices of a configuration, each through the same gates as a profile. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Deployment } from '#cdk/app.ts';
import { testPki } from '#test/support/cloudhsm-control-plane/test-pki.ts';
import { type CostProfile, profiles as costProfiles } from '../../scripts/cost-model.ts';
import { ofType, profileOf, type Resource, readable, synthesise, type Template, type Templates } from './synthesised.ts';

const limitMs = 240_000;
const resourcesMax = 400;
let roots: string;
beforeAll(() => {
  roots = mkdtempSync(join(tmpdir(), 'chatelaine-roots-'));
  writeFileSync(join(roots, 'aws.pem'), testPki().roots.aws);
  writeFileSync(join(roots, 'manufacturer.pem'), testPki().roots.manufacturer);
});
afterAll(() => rmSync(roots, { recursive: true, force: true }));

const all = (templates: Templates, type: string): Resource[] => Object.values(templates).flatMap((template: Template) => ofType(template, type).map(([, resource]) => resource));
const largest = (templates: Templates): number => Math.max(...Object.values(templates).map(({ Resources }: Template) => Object.keys(Resources).length));

describe('the profile for production', () => {
  let templates: Templates;
  let stacks: Deployment['stacks'];
  beforeAll(() => {
    templates = synthesise(profileOf('production'), (deployment) => {
      stacks = deployment.stacks;
    });
  }, limitMs);
  const stacksBefore = (name: keyof Deployment['stacks']): string[] => stacks[name]!.dependencies.map(({ stackName }) => stackName.replace('chatelaine-', ''));

  test('has three HSMs in three zones, and a bridge in each that reaches them', () => {
    const settings = JSON.stringify(ofType(templates.hsm, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties.Environment));
    const [[, service]] = ofType(templates.bridge, 'AWS::ECS::Service') as [[string, Resource]];

    expect(settings).toContain('\\"hsms\\":3');
    expect(service.Properties).toMatchObject({ DesiredCount: 3 });
    expect((service.Properties.NetworkConfiguration as { AwsvpcConfiguration: { Subnets: unknown[] } }).AwsvpcConfiguration.Subnets).toHaveLength(3);
  });

  test('comes up in one order: network, the HSM with its users and keys, then the bridge, then whoever calls it', () => {
    expect(stacksBefore('hsm')).toContain('network');
    expect(stacksBefore('bridge')).toEqual(expect.arrayContaining(['network', 'hsm']));
    for (const caller of ['api', 'lifecycle'] as const) expect(stacksBefore(caller)).toContain('bridge');
    const last = ofType(templates.hsm, 'Custom::ChatelaineHsmStep').at(-1)![1];
    expect(last.Properties).toMatchObject({ Phase: 'ready', Epoch: '1' });
  });

  test('every key is watched, that of the HSM and those of both authorities too, and a generation of an authority that is given up is held by nobody', () => {
    const [, { Properties }] = ofType(templates.observability, 'AWS::Events::Rule').find(([id]) => id.startsWith('KeyChanges'))!;
    const arns = (Properties.EventPattern as { detail: { resources: { ARN: unknown[] } } }).detail.resources.ARN;
    const watched = arns.map((arn) => readable(arn, 'observability', templates));

    expect(watched).toHaveLength(all(templates, 'AWS::KMS::Key').length);
    expect(watched).toEqual(expect.arrayContaining(['hsm.Authority.Arn', 'bridge.AuthorityKey1.Arn', 'hsm.JournalKey.Arn', 'network.LogKey.Arn']));
    for (const { Value, Export } of Object.values(templates.bridge.Outputs ?? {})) if (JSON.stringify(Value).includes('AuthorityKey')) expect(Export).toBeUndefined();
  });

  test('one image, by one digest, is the bridge and administers its HSM', () => {
    const images = (['bridge', 'hsm'] as const).map((stack) => {
      const [[, task]] = ofType(templates[stack], 'AWS::ECS::TaskDefinition') as [[string, Resource]];
      return readable((task.Properties.ContainerDefinitions as { Image: unknown }[])[0]!.Image, stack, templates);
    });

    expect(images[0]).toMatch(/chatelaine\/bridge@sha256:[0-9a-f]{64}$/);
    expect(images[1]).toBe(images[0]);
  });

  test('the bridge reads the PIN of its own user, and no other password of the HSM', () => {
    const policies = JSON.stringify(all(templates, 'AWS::IAM::Policy').filter(({ Properties }) => JSON.stringify(Properties.Roles).includes('BridgeTask')));

    expect(policies).toMatch(/chatelaine-hsm:ExportsOutputRefPin/);
    expect(policies).not.toMatch(/AdminPassword|KeyOwner/);
  });

  test('costs what the cost model counts', () => {
    const { lines } = costProfiles.find(({ profile }) => profile === 'production') as CostProfile;
    const amount = (price: string) => lines.filter((line) => line[2] === price).reduce((sum, line) => sum + line[1], 0);
    const [[, { Properties: task }]] = ofType(templates.bridge, 'AWS::ECS::TaskDefinition') as [[string, Resource]];
    const interfaces = all(templates, 'AWS::EC2::VPCEndpoint').filter(({ Properties }) => Properties.VpcEndpointType === 'Interface');

    expect({
      keys: amount('kmsKeyMonth'),
      secrets: amount('secretMonth'),
      alarms: amount('alarmMonth'),
      endpoints: amount('endpointZoneMonth'),
      processors: amount('fargateVcpuMonth'),
      gigabytes: amount('fargateGbMonth'),
      hsmHours: amount('hsmHour'),
    }).toEqual({
      keys: all(templates, 'AWS::KMS::Key').length,
      secrets: all(templates, 'AWS::SecretsManager::Secret').length,
      alarms: all(templates, 'AWS::CloudWatch::Alarm').length,
      endpoints: interfaces.length * 3,
      processors: (3 * Number(task.Cpu)) / 1024,
      gigabytes: (3 * Number(task.Memory)) / 1024,
      hsmHours: 3 * 730,
    });
  });

  test('stays below 400 resources in every stack', () => {
    expect(largest(templates)).toBeLessThan(resourcesMax);
  });
});

/** What is not in cdk.json. Each is synthesised with the packs and rules, which fail it. An existing cluster is in fargate-bridge.test.ts, an outside bridge in hsm.test.ts. */
describe('other configurations pass the same gates, and stay below 400 resources a stack', () => {
  const secretArn = (name: string) => `arn:aws:secretsmanager:us-east-1:111122223333:secret:${name}-AbCdEf`;
  const secrets = { trustAnchorSecretArn: secretArn('anchor'), pinSecretArn: secretArn('pin') };
  const officers = ['arn:aws:iam::111122223333:role/officer'];

  test(
    'a cluster from a backup, with copies in a second Region and a role that may delete',
    () => {
      const hsm = { source: 'restore', hsms: 3, backupId: 'backup-aaaaaaaaaaa', ...secrets, secondRegion: 'eu-west-1', breakGlassPrincipals: officers };
      const templates = synthesise({ ...profileOf('production'), hsm });

      expect(largest(templates)).toBeLessThan(resourcesMax);
      const [, role] = ofType(templates.hsm, 'AWS::IAM::Role').find(([id]) => id.startsWith('BreakGlassRole'))!;
      expect(role.Properties.PermissionsBoundary).toBeDefined();
    },
    limitMs,
  );

  test(
    'a development deployment that goes away with all it has, whose cluster is signed for outside',
    () => {
      const templates = synthesise({
        ...profileOf('dev-hsm'),
        destroyData: true,
        observability: { alarms: false },
        hsm: { source: 'managed', hsms: 1, hardwareRoots: roots, pki: 'external', breakGlassPrincipals: officers },
      });

      expect(largest(templates)).toBeLessThan(resourcesMax);
      expect(Object.keys(templates.hsm.Outputs ?? {})).toContain('SignedCertificateSecret');
      // A cluster is kept even then: it may hold keys that somebody wants.
      for (const [, secret] of ofType(templates.hsm, 'AWS::SecretsManager::Secret')) expect(secret.DeletionPolicy).toBe('Retain');
    },
    limitMs,
  );
});
