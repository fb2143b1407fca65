/** A VPC without a way out: isolated subnets, doors to the services that the deployment calls, and one chain of security groups towards the HSM. */
import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { FlowLogDestination, FlowLogTrafficType, IpAddresses, type IVpc, Peer, Port, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { bridgeHealthPort, bridgePort, type NetworkConfig } from '../config/network-config.ts';
import { logService, ownKey } from '../constructs/own-key.ts';
import { PrivateEndpoints } from '../constructs/private-endpoints.ts';
import type { FunctionNetwork } from '../constructs/service-function.ts';

export class NetworkStack extends Stack {
  readonly vpc: IVpc;
  /** Functions that call the bridge. */
  readonly callers: FunctionNetwork;
  /** Functions that do not. */
  readonly workers: FunctionNetwork;
  readonly balancerGroup: SecurityGroup;
  /** The only group that may reach the HSM; the rule towards the cluster's own group stands where the cluster is known. */
  readonly bridgeGroup: SecurityGroup;
  /** Encrypts the logs of the network and of the bridge. */
  readonly logKey: Key;

  constructor(scope: Construct, id: string, config: DeploymentConfig & { readonly network: NetworkConfig }, props: StackProps) {
    super(scope, id, props);
    this.logKey = ownKey(this, 'LogKey', {
      description: 'Encrypts the logs of the network and of the bridge.',
      services: [logService(this, config.deployment)],
      destroyData: config.destroyData,
    });
    // The CDK's own class misses its interface under exactOptionalPropertyTypes.
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(config.network.cidr),
      // Without an account the CDK knows of two zones only; CloudFormation picks by number.
      ...(config.account === undefined ? { availabilityZones: this.#zones(config.network.zones) } : { maxAzs: config.network.zones }),
      natGateways: 0,
      createInternetGateway: false,
      subnetConfiguration: [{ name: 'isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
      restrictDefaultSecurityGroup: true,
    }) as IVpc;
    this.#flowLogs(config);

    const endpoints = this.#group('EndpointsGroup', 'The doors to AWS services.');
    const callers = this.#group('CallersGroup', 'Functions that call the bridge.');
    const workers = this.#group('WorkersGroup', 'Functions that do not call the bridge.');
    this.balancerGroup = this.#group('BalancerGroup', 'The load balancer in front of the bridge.');
    this.bridgeGroup = this.#group('BridgeGroup', 'The bridge.');
    for (const group of [callers, workers, this.bridgeGroup]) {
      endpoints.addIngressRule(group, Port.tcp(443), 'AWS services');
      // The prefix lists of S3 and DynamoDB are not known by name, and no route leads anywhere but to the doors.
      group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services through the endpoints of this VPC');
    }
    this.#chain(callers);
    new PrivateEndpoints(this, 'Endpoints', this.vpc, endpoints);

    const subnets = { subnetType: SubnetType.PRIVATE_ISOLATED };
    this.callers = { vpc: this.vpc, vpcSubnets: subnets, securityGroups: [callers] };
    this.workers = { vpc: this.vpc, vpcSubnets: subnets, securityGroups: [workers] };
  }

  /** callers → load balancer → bridge, one port each, plus the health checks of the load balancer. */
  #chain(callers: SecurityGroup): void {
    callers.addEgressRule(this.balancerGroup, Port.tcp(bridgePort), 'Calls of the bridge');
    this.balancerGroup.addIngressRule(callers, Port.tcp(bridgePort), 'Calls of the bridge');
    for (const [port, what] of [
      [bridgePort, 'Calls of the bridge'],
      [bridgeHealthPort, 'Health of the bridge'],
    ] as const) {
      this.balancerGroup.addEgressRule(this.bridgeGroup, Port.tcp(port), what);
      this.bridgeGroup.addIngressRule(this.balancerGroup, Port.tcp(port), what);
    }
  }

  #group(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, id, { vpc: this.vpc, description, allowAllOutbound: false, disableInlineRules: true });
  }

  #zones(count: number): string[] {
    return this.availabilityZones.length >= count ? this.availabilityZones.slice(0, count) : ['a', 'b', 'c'].slice(0, count).map((letter) => `${this.region}${letter}`);
  }

  #flowLogs({ logRetentionDays: retention }: DeploymentConfig): void {
    const logGroup = new LogGroup(this, 'FlowLogs', { retention, encryptionKey: this.logKey, removalPolicy: RemovalPolicy.DESTROY });
    this.vpc.addFlowLog('Flow', { destination: FlowLogDestination.toCloudWatchLogs(logGroup), trafficType: FlowLogTrafficType.ALL });
  }
}
