/** The bridge as a service of Amazon ECS on Fargate, behind a load balancer that passes TCP through. */
import { Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type ISecurityGroup, type IVpc, SubnetType } from 'aws-cdk-lib/aws-ec2';
import {
  Cluster,
  ContainerInsights,
  CpuArchitecture,
  FargatePlatformVersion,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDriver,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { NetworkLoadBalancer, Protocol } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { deploymentDimension, metricNamespace } from '#shared/metrics/descriptors.ts';
import type { FargateBridgeConfig } from '../config/bridge-config.ts';
import { hasFewHsms } from '../config/hsm-config.ts';
import { bridgeHealthPort, bridgePort } from '../config/network-config.ts';
import { hardened, imageOf, imageVolumes, mountVolumes } from './bridge-image.ts';
import { secretKeyStatement } from './service-resources.ts';

/** Where the bridge's HSM is. */
export interface BridgeHsm {
  readonly clusterId: string;
  readonly hsmSecurityGroupId: string;
  readonly trustAnchorSecret: ISecret;
  readonly pinSecret: ISecret;
  /** How many it has, or is to have. */
  readonly hsms: number;
}

export interface FargateBridgeProps {
  readonly deployment: string;
  readonly config: FargateBridgeConfig;
  readonly hsm: BridgeHsm;
  readonly vpc: IVpc;
  readonly balancerGroup: ISecurityGroup;
  readonly bridgeGroup: ISecurityGroup;
  readonly certificateSecret: ISecret;
  /** Of the deployment's own secrets. */
  readonly secretsKey: IKey;
  readonly logGroup: ILogGroup;
  readonly deletionProtection: boolean;
}

const subnets = { subnetType: SubnetType.PRIVATE_ISOLATED };
const drainDelaySeconds = 20;
/** Longer than the drain of the bridge itself: the delay above and ten seconds for what runs. */
const deregistrationSeconds = 60;
/** docs/adr/0029: for ever. */
const graceSecondsMax = 2_147_483_647;
const queueWaitTargetMs = 5;

export class FargateBridge extends Construct {
  readonly balancer: NetworkLoadBalancer;
  readonly service: FargateService;

  constructor(scope: Construct, id: string, props: FargateBridgeProps) {
    super(scope, id);
    const { vpc, config } = props;
    // The CDK's own class misses its interface under exactOptionalPropertyTypes.
    const cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENHANCED }) as ICluster;
    this.service = new FargateService(this, 'Service', {
      cluster,
      taskDefinition: this.#task(props),
      vpcSubnets: subnets,
      securityGroups: [props.bridgeGroup],
      assignPublicIp: false,
      enableExecuteCommand: false,
      desiredCount: config.tasks.min,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      healthCheckGracePeriod: Duration.seconds(graceSecondsMax),
      platformVersion: FargatePlatformVersion.VERSION1_4,
    });
    this.balancer = this.#balancer(props);
    this.#scale(props);
  }

  #task({ deployment, config, hsm, certificateSecret, secretsKey, logGroup }: FargateBridgeProps): FargateTaskDefinition {
    const task = new FargateTaskDefinition(this, 'Task', {
      cpu: config.cpu,
      memoryLimitMiB: config.memoryMb,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.X86_64, operatingSystemFamily: OperatingSystemFamily.LINUX },
      volumes: imageVolumes,
    });
    const container = task.addContainer('bridge', {
      ...hardened(this),
      image: imageOf(this, config.image),
      stopTimeout: Duration.seconds(120),
      logging: LogDriver.awsLogs({ logGroup, streamPrefix: 'bridge' }),
      healthCheck: {
        command: ['CMD', '/usr/local/bin/node', '/app/hsm-bridge/image/livez.ts'],
        interval: Duration.seconds(30),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(300),
      },
      portMappings: [{ containerPort: bridgePort }, { containerPort: bridgeHealthPort }],
      environment: {
        CHATELAINE_DEPLOYMENT: deployment,
        CHATELAINE_DOMAIN: config.domain ?? deployment,
        CHATELAINE_EPOCH: String(config.epoch),
        CHATELAINE_HSM_PROFILE: 'cloudhsm',
        CHATELAINE_PKCS11_MODULE: '/opt/cloudhsm/lib/libcloudhsm_pkcs11.so',
        CHATELAINE_TOKEN_LABEL: config.tokenLabel,
        CHATELAINE_HSM_CLUSTER_ID: hsm.clusterId,
        // Names of secrets. The process fetches them with the role of its task, and again while it runs.
        CHATELAINE_HSM_TRUST_ANCHOR_SECRET: hsm.trustAnchorSecret.secretArn,
        CHATELAINE_HSM_PIN_SECRET: hsm.pinSecret.secretArn,
        CHATELAINE_BRIDGE_CERTIFICATE_SECRET: certificateSecret.secretArn,
        CHATELAINE_FAST_WORKERS: String(config.fastWorkers),
        CHATELAINE_DRAIN_DELAY_SECONDS: String(drainDelaySeconds),
        AWS_REGION: Stack.of(this).region,
        ...(hasFewHsms(hsm.hsms) ? { CHATELAINE_HSM_FEW: '1' } : {}),
      },
    });
    mountVolumes(container);
    const secrets = [certificateSecret, hsm.pinSecret, hsm.trustAnchorSecret].map(({ secretArn }) => secretArn);
    task.addToTaskRolePolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: secrets }));
    task.addToTaskRolePolicy(secretKeyStatement('read', secrets, secretsKey, Stack.of(this)));
    task.addToTaskRolePolicy(new PolicyStatement({ actions: ['cloudhsm:DescribeClusters'], resources: ['*'] }));
    return task;
  }

  #balancer({ vpc, balancerGroup, deletionProtection }: FargateBridgeProps): NetworkLoadBalancer {
    const balancer = new NetworkLoadBalancer(this, 'Balancer', {
      vpc,
      vpcSubnets: subnets,
      internetFacing: false,
      crossZoneEnabled: true,
      deletionProtection,
      securityGroups: [balancerGroup],
    });
    // TCP, not TLS: the bridge itself ends TLS and sees who calls.
    balancer.addListener('Calls', { port: bridgePort, protocol: Protocol.TCP }).addTargets('Bridges', {
      port: bridgePort,
      protocol: Protocol.TCP,
      preserveClientIp: false,
      deregistrationDelay: Duration.seconds(deregistrationSeconds),
      healthCheck: {
        protocol: Protocol.HTTP,
        port: String(bridgeHealthPort),
        path: '/readyz',
        interval: Duration.seconds(10),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 2,
      },
      targets: [this.service.loadBalancerTarget({ containerName: 'bridge', containerPort: bridgePort })],
    });
    return balancer;
  }

  /** By the time that calls wait for a worker; the CPU is for what happens in the bridge's own memory. */
  #scale({ deployment, config }: FargateBridgeProps): void {
    const scaling = this.service.autoScaleTaskCount({ minCapacity: config.tasks.min, maxCapacity: config.tasks.max });
    scaling.scaleToTrackCustomMetric('QueueWait', {
      metric: new Metric({
        namespace: metricNamespace,
        metricName: 'BridgeQueueWait',
        dimensionsMap: { [deploymentDimension]: deployment },
        statistic: 'Average',
        period: Duration.minutes(1),
      }),
      targetValue: queueWaitTargetMs,
      scaleOutCooldown: Duration.seconds(60),
      scaleInCooldown: Duration.minutes(10),
    });
    scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60, scaleOutCooldown: Duration.seconds(60), scaleInCooldown: Duration.minutes(10) });
  }
}
