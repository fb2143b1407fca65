import { beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '#cdk/config/deployment-config.ts';
import { ofType, productionContext, type Resource, readable, synthesise, type Templates } from './synthesised.ts';

const secretArn = (name: string) => `arn:aws:secretsmanager:us-east-1:111122223333:secret:${name}-AbCdEf`;
const own = {
  network: { zones: 3 },
  hsm: { source: 'existing', clusterId: 'cluster-aaaaaaaaaaa', hsms: 2, trustAnchorSecretArn: secretArn('anchor'), pinSecretArn: secretArn('pin') },
  bridge: { source: 'fargate', image: { repository: 'chatelaine/bridge', digest: `sha256:${'ab'.repeat(32)}` }, tasks: { min: 3, max: 6 } },
};

describe('the bridge on Fargate, beside a cluster that somebody else looks after', () => {
  let templates: Templates;
  beforeAll(() => {
    templates = synthesise(own);
  }, 120_000);

  const one = (type: string): Resource['Properties'] => {
    const found = ofType(templates.bridge, type);
    expect(found).toHaveLength(1);
    return found[0]![1].Properties;
  };
  const name = (value: unknown) => readable(value, 'bridge', templates);
  const container = () => (one('AWS::ECS::TaskDefinition').ContainerDefinitions as Record<string, unknown>[])[0]!;
  const roleStatements = (pattern: RegExp) =>
    [...ofType(templates.bridge, 'AWS::IAM::Policy'), ...ofType(templates.bridge, 'AWS::IAM::Role')]
      .filter(([id]) => pattern.test(id))
      .map(([, { Properties }]) => JSON.stringify(Properties));

  test('runs an image by digest as nobody, with a root that is not writable, no capability and no way in', () => {
    expect(container()).toMatchObject({
      User: '10001:10001',
      Privileged: false,
      ReadonlyRootFilesystem: true,
      StopTimeout: 120,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    });
    expect(name(container().Image)).toMatch(/chatelaine\/bridge@sha256:(ab){32}$/);
    expect(one('AWS::ECS::Service')).toMatchObject({ EnableExecuteCommand: false, NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } } });
  });

  test('carries names of secrets and no secret, reads three by the role of the task, and uses keys that are on one of two HSMs only', () => {
    const environment = container().Environment as { Name: string; Value: unknown }[];

    expect(container().Secrets).toBeUndefined();
    expect(environment).toContainEqual({ Name: 'CHATELAINE_HSM_FEW', Value: '1' });
    for (const { Name, Value } of environment.filter((entry) => entry.Name.endsWith('_SECRET')))
      expect([Name, name(Value)]).toEqual([Name, expect.stringMatching(/^arn:|certificate\.Id$/)]);
    const [policy] = roleStatements(/^BridgeTaskTaskRoleDefaultPolicy/);
    expect(policy).toContain('bridgecertificate');
    for (const foreign of ['readercertificate', 'cryptocertificate', 'lifecyclecertificate', 'rotationcertificate', 'PutSecretValue']) expect(policy).not.toContain(foreign);
  });

  test('survives an HSM loss, and rolls back a version that does not start', () => {
    expect(one('AWS::ECS::Service')).toMatchObject({
      HealthCheckGracePeriodSeconds: 2_147_483_647,
      DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: true, Rollback: true }, MinimumHealthyPercent: 100 },
    });
    expect((container().HealthCheck as { Command: string[] }).Command.at(-1)).toBe('/app/hsm-bridge/image/livez.ts');
    expect(one('AWS::ElasticLoadBalancingV2::TargetGroup')).toMatchObject({ HealthCheckPath: '/readyz', HealthCheckPort: '8080', HealthCheckProtocol: 'HTTP' });
  });

  test('is reached inside only, through TCP that the bridge itself ends as TLS, and is drained longer than it takes', () => {
    expect(one('AWS::ElasticLoadBalancingV2::LoadBalancer')).toMatchObject({ Scheme: 'internal', Type: 'network' });
    expect(one('AWS::ElasticLoadBalancingV2::Listener')).toMatchObject({ Port: 8443, Protocol: 'TCP' });
    const attributes = (type: string, member: string) => Object.fromEntries((one(type)[member] as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));
    expect(attributes('AWS::ElasticLoadBalancingV2::LoadBalancer', 'LoadBalancerAttributes')).toMatchObject({ 'load_balancing.cross_zone.enabled': 'true' });
    const delay = Number(attributes('AWS::ElasticLoadBalancingV2::TargetGroup', 'TargetGroupAttributes')['deregistration_delay.timeout_seconds']);
    const drainDelay = (container().Environment as { Name: string; Value: string }[]).find(({ Name }) => Name === 'CHATELAINE_DRAIN_DELAY_SECONDS');
    expect(delay).toBeGreaterThanOrEqual(Number(drainDelay?.Value) + 10);
    expect(Number(container().StopTimeout)).toBeGreaterThan(delay);
  });

  test('grows by the time that calls wait, and by its processors', () => {
    const policies = ofType(templates.bridge, 'AWS::ApplicationAutoScaling::ScalingPolicy').map(([, { Properties }]) => Properties.TargetTrackingScalingPolicyConfiguration);

    expect(policies).toContainEqual(
      expect.objectContaining({
        CustomizedMetricSpecification: expect.objectContaining({
          Namespace: 'Chatelaine',
          MetricName: 'BridgeQueueWait',
          Dimensions: [{ Name: 'deployment', Value: 'chatelaine' }],
        }),
      }),
    );
    expect(policies).toContainEqual(expect.objectContaining({ PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' } }));
    expect(one('AWS::ApplicationAutoScaling::ScalableTarget')).toMatchObject({ MinCapacity: 3, MaxCapacity: 6 });
  });

  test('only the certificate authority signs with its key, and it reads no certificate', () => {
    const [, issuerRole] = ofType(templates.bridge, 'AWS::IAM::Role').find(([id]) => id.startsWith('AuthorityIssuerRole'))!;
    const { Statement } = one('AWS::KMS::Key').KeyPolicy as { Statement: { Effect: string; Action: string | string[]; Condition?: Record<string, Record<string, unknown>> }[] };
    const about = (effect: string, action: string) => Statement.filter(({ Effect, Action }) => Effect === effect && [Action].flat().includes(action));
    const signers = about('Allow', 'kms:Sign').map(({ Condition }) => readable(Condition?.ArnEquals?.['aws:PrincipalArn'], 'bridge', templates));
    const [issuer] = roleStatements(/^AuthorityIssuerRole/);

    expect(one('AWS::KMS::Key')).toMatchObject({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    expect(signers).toEqual([`arn:<AWS::Partition>:iam::<AWS::AccountId>:role/${readable(issuerRole.Properties.RoleName, 'bridge', templates)}`]);
    expect(about('Deny', 'kms:Sign')[0]!.Condition).toHaveProperty('ArnNotEquals');
    for (const action of ['kms:CreateGrant', 'kms:DisableKey', 'kms:ScheduleKeyDeletion']) expect(about('Deny', action).map(({ Condition }) => Condition)).toEqual([undefined]);
    expect(issuer).toContain('kms:Sign');
    expect(issuer).not.toContain('GetSecretValue');
    for (const stack of ['api', 'audit', 'lifecycle', 'bridge'] as const) {
      const signers = ofType(templates[stack], 'AWS::IAM::Role').filter(([, role]) => JSON.stringify(role).includes('kms:Sign'));
      expect(signers.every(([id]) => id.startsWith('AuthorityIssuerRole'))).toBe(true);
    }
  });

  test('starts after the first certificates are there, and functions find it by the name in them', () => {
    const [, service] = ofType(templates.bridge, 'AWS::ECS::Service')[0] as [string, Resource & { DependsOn: string[] }];
    const [first] = ofType(templates.bridge, 'AWS::CloudFormation::CustomResource');
    const [, anyOperation] = ofType(templates.api, 'AWS::Lambda::Function').find(([, { Properties }]) => Properties.FunctionName === 'chatelaine-Encrypt')!;
    const { Variables } = anyOperation.Properties.Environment as { Variables: Record<string, unknown> };

    expect(service.DependsOn).toContain(first![0]);
    expect(Variables.CHATELAINE_BRIDGE_SERVER_NAME).toBe('bridge.chatelaine.internal');
    expect(readable(Variables.CHATELAINE_BRIDGE_URL, 'api', templates)).toMatch(/^https:\/\/bridge\.BridgeBalancer.*:8443$/);
  });

  test('every line of its log is encrypted and ends', () => {
    for (const [, { Properties }] of ofType(templates.bridge, 'AWS::Logs::LogGroup')) expect(Properties).toMatchObject({ RetentionInDays: 400, KmsKeyId: expect.anything() });
  });
});

test('a bridge on Fargate without a network or an HSM is refused', () => {
  const config = (changes: object) => () => readConfig(productionContext({ ...own, ...changes }).chatelaine);

  expect(config({})).not.toThrow();
  expect(config({ network: undefined })).toThrow('needs a network');
  expect(config({ hsm: { source: 'softhsm' } })).toThrow('needs a network');
  expect(config({ bridge: { ...own.bridge, tasks: { min: 3, max: 2 } } })).toThrow('smallest number');
});
