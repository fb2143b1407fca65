import { beforeAll, describe, expect, test } from 'vitest';
import { ofType, type Resource, readable, synthesise, type Templates } from './synthesised.ts';

const types = (templates: Templates): string[] => Object.values(templates.network.Resources).map(({ Type }) => Type);

describe('the network', () => {
  let templates: Templates;
  beforeAll(() => {
    templates = synthesise({ network: { zones: 3 } });
  }, 120_000);

  const network = () => templates.network;
  const name = (value: unknown) => readable(value, 'network', templates);

  test('has three isolated zones and no way out: no NAT, no internet gateway, no route, no public address', () => {
    const subnets = ofType(network(), 'AWS::EC2::Subnet');

    expect(subnets).toHaveLength(3);
    for (const [, { Properties }] of subnets) expect(Properties.MapPublicIpOnLaunch).toBe(false);
    for (const forbidden of ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::Route', 'AWS::EC2::EIP', 'AWS::EC2::VPCGatewayAttachment'])
      expect(types(templates)).not.toContain(forbidden);
  });

  test('closes the default security group', () => {
    const [[, closing]] = ofType(network(), 'Custom::VpcRestrictDefaultSG') as [[string, Resource]];
    expect(name(closing.Properties.DefaultSecurityGroupId)).toMatch(/^network\.Vpc.*DefaultSecurityGroup$/);
  });

  test('records every flow, encrypted, with retention', () => {
    const [[, flow]] = ofType(network(), 'AWS::EC2::FlowLog') as [[string, Resource]];
    const [[, logGroup]] = ofType(network(), 'AWS::Logs::LogGroup') as [[string, Resource]];

    expect(flow.Properties).toMatchObject({ TrafficType: 'ALL', ResourceType: 'VPC' });
    expect(logGroup.Properties).toMatchObject({ RetentionInDays: 400, KmsKeyId: expect.anything() });
  });

  test('has a door for every service that is called, each with a policy for the principals of this account only', () => {
    const endpoints = ofType(network(), 'AWS::EC2::VPCEndpoint');
    const services = endpoints.map(([, { Properties }]) => name(Properties.ServiceName).split('.').slice(3).join('.'));

    expect(services.sort()).toEqual(['cloudhsmv2', 'dynamodb', 'ecr.api', 'ecr.dkr', 'events', 'kms', 'lambda', 'logs', 'monitoring', 's3', 'secretsmanager', 'sqs'].sort());
    for (const [, { Properties }] of endpoints) {
      const { Statement } = Properties.PolicyDocument as { Statement: { Action: string | string[]; Resource: unknown; Condition?: unknown }[] };
      expect(Statement.length).toBeGreaterThan(0);
      for (const { Action, Resource, Condition } of Statement) {
        expect([Action].flat().every((action) => /^[a-z0-9]+:[A-Z][A-Za-z]+$/.test(action))).toBe(true);
        // AWS's own buckets are named; anything else is bound to the account.
        if (Resource === '*') expect(Condition).toMatchObject({ StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } });
        else expect(name(Resource)).toMatch(/^arn:<AWS::Partition>:s3:::(prod-<AWS::Region>-starport-layer-bucket|cloudformation-custom-resource-response-)/);
      }
    }
  });

  test('lets callers reach the load balancer, the load balancer the bridge, and nobody anything else', () => {
    const rules = (type: string, other: string) =>
      ofType(network(), type).map(([, { Properties }]) => {
        const peer = Properties[other] === undefined ? String(Properties.CidrIp) : name(Properties[other]);
        return `${name(Properties.GroupId)} ${peer} ${Properties.IpProtocol} ${Properties.FromPort}-${Properties.ToPort}`.replaceAll('.GroupId', '').replaceAll('network.', '');
      });

    expect(rules('AWS::EC2::SecurityGroupIngress', 'SourceSecurityGroupId').sort()).toEqual(
      [
        'BalancerGroup CallersGroup tcp 8443-8443',
        'BridgeGroup BalancerGroup tcp 8080-8080',
        'BridgeGroup BalancerGroup tcp 8443-8443',
        'EndpointsGroup BridgeGroup tcp 443-443',
        'EndpointsGroup CallersGroup tcp 443-443',
        'EndpointsGroup WorkersGroup tcp 443-443',
      ].sort(),
    );
    expect(rules('AWS::EC2::SecurityGroupEgress', 'DestinationSecurityGroupId').sort()).toEqual(
      [
        'BalancerGroup BridgeGroup tcp 8080-8080',
        'BalancerGroup BridgeGroup tcp 8443-8443',
        'BridgeGroup 0.0.0.0/0 tcp 443-443',
        'CallersGroup 0.0.0.0/0 tcp 443-443',
        'CallersGroup BalancerGroup tcp 8443-8443',
        // How the CDK writes that a group starts no connection.
        'EndpointsGroup 255.255.255.255/32 icmp 252-86',
        'WorkersGroup 0.0.0.0/0 tcp 443-443',
      ].sort(),
    );
    for (const [, { Properties }] of ofType(network(), 'AWS::EC2::SecurityGroup')) expect(Properties.SecurityGroupIngress).toBeUndefined();
  });

  test('places every function in it, and denies the code of each what Lambda may do with its role to place it there', () => {
    const isolated = ['api', 'audit', 'lifecycle'] as const;
    for (const stack of isolated) {
      for (const [, { Properties }] of ofType(templates[stack], 'AWS::Lambda::Function')) {
        const { SubnetIds, SecurityGroupIds } = Properties.VpcConfig as { SubnetIds: unknown[]; SecurityGroupIds: [unknown] };
        const callsBridge = 'CHATELAINE_BRIDGE_URL' in (Properties.Environment as { Variables: object }).Variables;
        expect(SubnetIds).toHaveLength(3);
        expect(readable(SecurityGroupIds[0], stack, templates)).toBe(callsBridge ? 'network.CallersGroup.GroupId' : 'network.WorkersGroup.GroupId');
      }
      for (const [, { Properties }] of ofType(templates[stack], 'AWS::IAM::Role').filter(([, role]) => JSON.stringify(role).includes('ec2:CreateNetworkInterface'))) {
        expect(JSON.stringify(Properties.Policies)).toMatch(/"lambda:SourceFunctionArn".*"Effect":"Deny"/);
      }
    }
  });
});
