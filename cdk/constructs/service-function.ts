import { Duration, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, type LayerVersion, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionEnvironment, FunctionKind } from '#shared/env/function-environment.ts';
import type { Grant } from '../grants.ts';
import { type ServiceResources, statementsOf } from './service-resources.ts';

/** Where in the VPC functions stand, in the words of the CDK. */
export interface FunctionNetwork {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly securityGroups: ISecurityGroup[];
}

export interface ServiceFunctionProps<Kind extends FunctionKind> {
  readonly kind: Kind;
  readonly functionName: string;
  readonly description: string;
  /** dist/lambda: the same asset for every function. */
  readonly codeFolder: string;
  readonly entrypoint:
    | 'data-plane'
    | 'operation'
    | 'wire'
    | 'sweep'
    | 'due-task'
    | 'outbox-publisher'
    | 'audit-archiver'
    | 'certificate-authority'
    | 'hsm-resource'
    | 'hsm-reconcile'
    | 'hsm-backup-guardian';
  readonly environment: FunctionEnvironment<Kind>;
  readonly grants: readonly Grant[];
  readonly resources: ServiceResources;
  /** Beside the grants: what only this function needs, such as reading its event source. */
  readonly statements?: readonly PolicyStatement[];
  readonly logGroup: ILogGroup;
  readonly memoryMb?: number;
  readonly timeoutSeconds?: number;
  readonly network?: FunctionNetwork | undefined;
  /** Where a policy elsewhere names the role. */
  readonly roleName?: string;
  /** Files beside the code, under /opt. */
  readonly layers?: readonly LayerVersion[];
}

/** A function with a role of its own that holds its grants and nothing else: no managed policy, no wildcard. */
export class ServiceFunction<Kind extends FunctionKind> extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps<Kind>) {
    super(scope, id);
    const logs = new PolicyStatement({ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [props.logGroup.logGroupArn] });
    this.role = new Role(this, 'Role', {
      ...(props.roleName === undefined ? {} : { roleName: props.roleName }),
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Execution role of ${props.functionName}.`,
      inlinePolicies: {
        grants: new PolicyDocument({
          statements: [
            logs,
            ...statementsOf(props.grants, props.resources, Stack.of(this)),
            ...(props.statements ?? []),
            ...(props.network === undefined ? [] : networkStatements(props.functionName, Stack.of(this))),
          ],
          minimize: false,
        }),
      },
    });
    this.function = new LambdaFunction(this, 'Function', {
      functionName: props.functionName,
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(props.codeFolder),
      handler: `${props.entrypoint}.handler`,
      // The CDK would add permissions to a role of its own; this one is complete.
      role: this.role.withoutPolicyUpdates(),
      environment: definedOnly(props.environment),
      memorySize: props.memoryMb ?? 256,
      timeout: Duration.seconds(props.timeoutSeconds ?? 15),
      logGroup: props.logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.network ?? {}),
      ...(props.layers === undefined ? {} : { layers: [...props.layers] }),
    });
  }
}

/**
 * What the Lambda service does with the role to connect a function to its VPC. The code of the function itself may not: Lambda names the function in the requests
 * that its code makes, and in no request of its own (Lambda developer guide, "Using source function ARN to control function access behavior").
 */
function networkStatements(functionName: string, stack: Stack): PolicyStatement[] {
  const actions = ['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets', 'ec2:DeleteNetworkInterface'];
  const itself = stack.formatArn({ service: 'lambda', resource: `function:${functionName}` });
  return [
    new PolicyStatement({ actions, resources: ['*'] }),
    new PolicyStatement({ effect: Effect.DENY, actions, resources: ['*'], conditions: { ArnEquals: { 'lambda:SourceFunctionArn': itself } } }),
  ];
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
