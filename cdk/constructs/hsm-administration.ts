/** The task that activates the cluster and makes the bridge's user, and the bus that it is asked over. The asking function cannot start tasks itself. */
import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import {
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateTaskDefinition,
  type ICluster,
  type ITaskDefinition,
  LogDriver,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { EventBus, EventField, Rule } from 'aws-cdk-lib/aws-events';
import { EcsTask } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { administrationDetailType, administrationSource } from '#shared/cloudhsm/administration-event.ts';
import type { FunctionEnvironment } from '#shared/env/function-environment.ts';

export interface HsmAdministrationProps {
  readonly image: string;
  readonly network: { readonly vpc: IVpc; readonly vpcSubnets: SubnetSelection; readonly bridgeGroup: ISecurityGroup };
  readonly secrets: { readonly trustAnchor: ISecret; readonly admin: ISecret; readonly pin: ISecret };
  readonly clusterArns: string;
  readonly logGroup: ILogGroup;
  readonly deadLetters: IQueue;
  readonly removalPolicy: RemovalPolicy;
}

const container = 'administrator';
/** The bundle's folder in the image. */
const script = "await (await import('/app/lambda/hsm-administrator.mjs')).handler()";

export class HsmAdministration extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, props: HsmAdministrationProps) {
    super(scope, id);
    const { network, deadLetters } = props;
    this.bus = new EventBus(this, 'Bus', { description: 'Requests for administration of the HSM.' });
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
            ],
          },
        ],
      }),
    );
  }

  #task({ image, secrets, clusterArns, logGroup }: HsmAdministrationProps): FargateTaskDefinition {
    const task = new FargateTaskDefinition(this, 'Task', {
      cpu: 256,
      memoryLimitMiB: 512,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.X86_64, operatingSystemFamily: OperatingSystemFamily.LINUX },
    });
    const environment: Omit<FunctionEnvironment<'hsmAdministrator'>, 'CHATELAINE_HSM_STEP' | 'CHATELAINE_HSM_CLUSTER_ID'> = {
      CHATELAINE_TRUST_ANCHOR_SECRET: secrets.trustAnchor.secretArn,
      CHATELAINE_ADMIN_SECRET: secrets.admin.secretArn,
      CHATELAINE_PIN_SECRET: secrets.pin.secretArn,
    };
    // The secrets are read by the task itself, for its step, and are not in its environment.
    task.addContainer(container, {
      image: ContainerImage.fromRegistry(image),
      command: ['node', '--input-type=module', '-e', script],
      environment,
      logging: LogDriver.awsLogs({ streamPrefix: container, logGroup }),
    });
    for (const statement of [
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secrets.trustAnchor, secrets.admin, secrets.pin].map(({ secretArn }) => secretArn) }),
      new PolicyStatement({ actions: ['cloudhsm:DescribeClusters'], resources: ['*'] }),
      new PolicyStatement({ actions: ['cloudhsm:TagResource'], resources: [clusterArns], conditions: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['chatelaine:users'] } } }),
    ])
      task.addToTaskRolePolicy(statement);
    for (const action of ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'])
      task.addToExecutionRolePolicy(new PolicyStatement({ actions: [action], resources: [this.#repository(image)] }));
    task.addToExecutionRolePolicy(new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }));
    return task;
  }

  /** `account.dkr.ecr.region.host/name@digest`. @throws Error for an image of any other registry: there is no way to the internet */
  #repository(image: string): string {
    const [, account, region, name] = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+\/([^@]+)@/.exec(image) ?? [];
    if (account === undefined || region === undefined || name === undefined) throw new Error(`The image ${image} is not in Amazon ECR.`);
    return `arn:${this.bus.stack.partition}:ecr:${region}:${account}:repository/${name}`;
  }
}
