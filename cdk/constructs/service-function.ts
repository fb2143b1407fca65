import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionEnvironment, FunctionKind } from '#shared/env/function-environment.ts';
import type { Grant } from '../grants.ts';
import { type ServiceResources, statementsOf } from './service-resources.ts';

export interface ServiceFunctionProps<Kind extends FunctionKind> {
  readonly kind: Kind;
  readonly functionName: string;
  readonly description: string;
  /** dist/lambda: the same asset for every function. */
  readonly codeFolder: string;
  readonly entrypoint: 'operation' | 'wire' | 'sweep' | 'due-task' | 'outbox-publisher' | 'audit-archiver';
  readonly environment: FunctionEnvironment<Kind>;
  readonly grants: readonly Grant[];
  readonly resources: ServiceResources;
  /** Beside the grants: what only this function needs, such as reading its event source. */
  readonly statements?: readonly PolicyStatement[];
  readonly logGroup: ILogGroup;
  readonly memoryMb?: number;
  readonly timeoutSeconds?: number;
}

/** A function with a role of its own that holds its grants and nothing else: no managed policy, no wildcard. */
export class ServiceFunction<Kind extends FunctionKind> extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps<Kind>) {
    super(scope, id);
    const logs = new PolicyStatement({ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [props.logGroup.logGroupArn] });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Execution role of ${props.functionName}.`,
      inlinePolicies: {
        grants: new PolicyDocument({ statements: [logs, ...statementsOf(props.grants, props.resources, Stack.of(this)), ...(props.statements ?? [])], minimize: false }),
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
    });
  }
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
