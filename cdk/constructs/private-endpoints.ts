/** The doors of a VPC without internet: the services that the deployment calls, for the account's own principals and resources only. */
import { Fn, Stack } from 'aws-cdk-lib';
import { GatewayVpcEndpoint, GatewayVpcEndpointAwsService, InterfaceVpcEndpoint, InterfaceVpcEndpointAwsService, type IVpc, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

interface Door {
  readonly service: InterfaceVpcEndpointAwsService;
  /** What goes through. Each is done on something of this account. */
  readonly actions: readonly string[];
  /** Actions that know no resource, so that a condition on the resource's account would refuse them. */
  readonly unbound?: readonly string[];
}

const doors: Readonly<Record<string, Door>> = {
  Secrets: {
    service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret', 'secretsmanager:PutSecretValue'],
  },
  // The bridge's certificate authority signs with a key of AWS KMS; nothing else here calls it by itself.
  Kms: { service: InterfaceVpcEndpointAwsService.KMS, actions: ['kms:Sign', 'kms:GetPublicKey', 'kms:DescribeKey'] },
  Logs: { service: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS, actions: ['logs:CreateLogStream', 'logs:PutLogEvents'] },
  // The cluster's addresses are asked for when the HSM client starts. The task that makes the bridge's user reports by a tag.
  CloudHsm: { service: InterfaceVpcEndpointAwsService.CLOUDHSM, actions: ['cloudhsm:TagResource'], unbound: ['cloudhsm:DescribeClusters'] },
  Registry: {
    service: InterfaceVpcEndpointAwsService.ECR,
    actions: ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
    unbound: ['ecr:GetAuthorizationToken'],
  },
  Images: {
    service: InterfaceVpcEndpointAwsService.ECR_DOCKER,
    actions: ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
    unbound: ['ecr:GetAuthorizationToken'],
  },
  Events: { service: InterfaceVpcEndpointAwsService.EVENTBRIDGE, actions: ['events:PutEvents'] },
  Queues: { service: InterfaceVpcEndpointAwsService.SQS, actions: ['sqs:SendMessage'] },
  // The dispatcher of the wire protocol hands requests to the function of their operation.
  Functions: { service: InterfaceVpcEndpointAwsService.LAMBDA, actions: ['lambda:InvokeFunction'] },
  Metrics: { service: InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING, actions: [], unbound: ['cloudwatch:PutMetricData'] },
};

export class PrivateEndpoints extends Construct {
  /** @param securityGroup of the interface endpoints */
  constructor(scope: Construct, id: string, vpc: IVpc, securityGroup: SecurityGroup) {
    super(scope, id);
    for (const [name, { service, actions, unbound = [] }] of Object.entries(doors)) {
      const endpoint = new InterfaceVpcEndpoint(this, name, { vpc, service, privateDnsEnabled: true, open: false, securityGroups: [securityGroup] });
      if (actions.length > 0) endpoint.addToPolicy(this.#own(actions));
      if (unbound.length > 0) endpoint.addToPolicy(this.#own(unbound, false));
    }
    const tables = new GatewayVpcEndpoint(this, 'Tables', { vpc, service: GatewayVpcEndpointAwsService.DYNAMODB });
    const items = ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'];
    tables.addToPolicy(this.#own(items.map((name) => `dynamodb:${name}`)));
    this.#buckets(new GatewayVpcEndpoint(this, 'Buckets', { vpc, service: GatewayVpcEndpointAwsService.S3 }));
  }

  #buckets(buckets: GatewayVpcEndpoint): void {
    const { partition, region } = Stack.of(this);
    buckets.addToPolicy(this.#own(['s3:PutObject', 's3:GetObject']));
    // AWS's own buckets: layers of images (ECR user guide, "Minimum Amazon S3 bucket permissions"), and the answers of custom resources, whose addresses
    // CloudFormation has signed itself (CloudFormation user guide, "Setting up VPC endpoints for AWS CloudFormation").
    buckets.addToPolicy(
      new PolicyStatement({ principals: [new AnyPrincipal()], actions: ['s3:GetObject'], resources: [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`] }),
    );
    const regionWithoutDashes = Fn.join('', Fn.split('-', region));
    buckets.addToPolicy(
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: [`arn:${partition}:s3:::cloudformation-custom-resource-response-${regionWithoutDashes}/*`],
      }),
    );
  }

  /** Nobody else's principals, so that brought-along credentials lead nowhere, and nobody else's resources. */
  #own(actions: readonly string[], bound = true): PolicyStatement {
    const { account } = Stack.of(this);
    return new PolicyStatement({
      principals: [new AnyPrincipal()],
      actions: [...actions],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:PrincipalAccount': account, ...(bound ? { 'aws:ResourceAccount': account } : {}) } },
    });
  }
}
