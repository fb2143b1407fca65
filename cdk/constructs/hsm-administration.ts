/** The task that activates the cluster and makes the bridge's user, and the bus that it is asked over. The asking function cannot start tasks itself. */
import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights, CpuArchitecture, FargateTaskDefinition, type ICluster, type ITaskDefinition, LogDriver, OperatingSystemFamily } from 'aws-cdk-lib/aws-ecs';
import { type EventBus, EventField, Rule } from 'aws-cdk-lib/aws-events';
import { EcsTask } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { administrationDetailType, administrationSource } from '#shared/cloudhsm/administration-event.ts';
import { keysTag, usersTag } from '#shared/cloudhsm/tags.ts';
import type { FunctionEnvironment } from '#shared/env/function-environment.ts';
import type { ImageConfig } from '../config/image-config.ts';
import type { KeysStack } from '../stacks/keys-stack.ts';
import { hardened, imageOf, imageVolumes, mountVolumes, workFolder } from './bridge-image.ts';
import { ownBus } from './own-bus.ts';
import { secretKeyStatement } from './service-resources.ts';

export interface HsmAdministrationProps {
  readonly image: ImageConfig;
  readonly domain: string;
  readonly tokenLabel: string;
  readonly hasFewHsms: boolean;
  readonly network: { readonly vpc: IVpc; readonly vpcSubnets: SubnetSelection; readonly bridgeGroup: ISecurityGroup };
  readonly secrets: { readonly trustAnchor: ISecret; readonly admin: ISecret; readonly pin: ISecret; readonly keyOwner: ISecret };
  readonly clusterArns: string;
  readonly logGroup: ILogGroup;
  readonly deadLetters: IQueue;
  readonly removalPolicy: RemovalPolicy;
  readonly keys: KeysStack;
}

const container = 'administrator';
/** Where the image has it (hsm-bridge/image/Dockerfile). */
const script = "await (await import('/app/lambda/hsm-administrator.mjs')).handler()";

export class HsmAdministration extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, props: HsmAdministrationProps) {
    super(scope, id);
    const { network, deadLetters } = props;
    this.bus = ownBus(this, 'Bus', { description: 'Requests for administration of the HSM.', key: props.keys.bus, deadLetters });
    this.bus.applyRemovalPolicy(props.removalPolicy);
    const cluster = new Cluster(this, 'Cluster', { vpc: network.vpc, containerInsightsV2: ContainerInsights.ENABLED });
    const rule = new Rule(this, 'Requests', {
      eventBus: this.bus,
      description: 'Starts the task that administers the HSM.',
      eventPattern: { source: [administrationSource], detailType: [administrationDetailType] },
    });
    rule.addTarget(
      new EcsTask({
        // The CDK's own classes miss their interfaces under exactOptionalPropertyTypes.
        cluster: cluster as ICluster,
        taskDefinition: this.#task(props) as ITaskDefinition,
        subnetSelection: network.vpcSubnets,
        securityGroups: [network.bridgeGroup],
        assignPublicIp: false,
        deadLetterQueue: deadLetters,
        retryAttempts: 3,
        maxEventAge: Duration.minutes(5),
        containerOverrides: [
          {
            containerName: container,
            environment: [
              { name: 'CHATELAINE_HSM_STEP', value: EventField.fromPath('$.detail.step') },
              { name: 'CHATELAINE_HSM_CLUSTER_ID', value: EventField.fromPath('$.detail.clusterId') },
              { name: 'CHATELAINE_EPOCH', value: EventField.fromPath('$.detail.epoch') },
            ],
          },
        ],
      }),
    );
  }

  #task(props: HsmAdministrationProps): FargateTaskDefinition {
    const { secrets, keys, clusterArns, logGroup } = props;
    const task = new FargateTaskDefinition(this, 'Task', {
      cpu: 256,
      memoryLimitMiB: 1024,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.X86_64, operatingSystemFamily: OperatingSystemFamily.LINUX },
      volumes: imageVolumes,
    });
    // The secrets are read by the task itself, for its step, and are not in its environment.
    const added = task.addContainer(container, {
      ...hardened(this),
      image: imageOf(this, props.image),
      // Not the image's own program: the one for a single step of administration.
      entryPoint: ['/usr/local/bin/node'],
      command: ['--input-type=module', '-e', script],
      environment: this.#environment(props),
      logging: LogDriver.awsLogs({ streamPrefix: container, logGroup }),
    });
    mountVolumes(added);
    const secretArns = Object.values(secrets).map(({ secretArn }) => secretArn);
    for (const statement of [
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: secretArns }),
      secretKeyStatement('read', secretArns, keys.secrets, Stack.of(this)),
      new PolicyStatement({ actions: ['cloudhsm:DescribeClusters'], resources: ['*'] }),
      new PolicyStatement({ actions: ['cloudhsm:TagResource'], resources: [clusterArns], conditions: { 'ForAllValues:StringEquals': { 'aws:TagKeys': [usersTag, keysTag] } } }),
    ])
      task.addToTaskRolePolicy(statement);
    return task;
  }

  #environment({ secrets, domain, tokenLabel, hasFewHsms }: HsmAdministrationProps): Record<string, string> {
    // The rest comes with the request.
    const environment: Omit<FunctionEnvironment<'hsmAdministrator'>, 'CHATELAINE_HSM_STEP' | 'CHATELAINE_HSM_CLUSTER_ID' | 'CHATELAINE_EPOCH' | 'CHATELAINE_HSM_FEW'> = {
      CHATELAINE_DOMAIN: domain,
      CHATELAINE_TOKEN_LABEL: tokenLabel,
      CHATELAINE_TRUST_ANCHOR_SECRET: secrets.trustAnchor.secretArn,
      CHATELAINE_ADMIN_SECRET: secrets.admin.secretArn,
      CHATELAINE_PIN_SECRET: secrets.pin.secretArn,
      CHATELAINE_KEY_OWNER_SECRET: secrets.keyOwner.secretArn,
    };
    return {
      ...environment,
      ...(hasFewHsms ? { CHATELAINE_HSM_FEW: '1' } : {}),
      AWS_REGION: Stack.of(this).region,
      // The one folder for what a step writes down.
      TMPDIR: workFolder,
    };
  }
}
