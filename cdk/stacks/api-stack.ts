/** The API: one function and one role per operation, the wire dispatcher, and API Gateway in front with IAM authorization on every route. */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat, ApiDefinition, EndpointType, LogGroupLogDestination, MethodLoggingLevel, SpecRestApi } from 'aws-cdk-lib/aws-apigateway';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { deployedOpenApi } from '../constructs/deployed-openapi.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import type { FunctionCallerClass, ServiceResources } from '../constructs/service-resources.ts';
import { auditGrants, bridgeClassOf, grantsOf } from '../grants.ts';
import type { AuditStack } from './audit-stack.ts';
import type { BridgeStack } from './bridge-stack.ts';
import type { DataStack } from './data-stack.ts';
import { bridgeEnvironment, tableEnvironment } from './environment.ts';
import type { NetworkStack } from './network-stack.ts';

export interface ApiStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly codeFolder: string;
  readonly data: DataStack;
  readonly audit: AuditStack;
  readonly bridge: BridgeStack;
  readonly network: NetworkStack | undefined;
}

const stageName = 'prod';
const wireName = 'wire';

export class ApiStack extends Stack {
  readonly #props: ApiStackProps;
  readonly #logGroup: LogGroup;
  readonly api: SpecRestApi;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    this.#props = props;
    const retention = props.config.logRetentionDays;
    this.#logGroup = new LogGroup(this, 'Logs', { retention, removalPolicy: RemovalPolicy.DESTROY });
    this.api = this.#api(new LogGroup(this, 'AccessLogs', { retention, removalPolicy: RemovalPolicy.DESTROY }));
    for (const operation of operations) this.#operation(operation);
    this.#wire();
    new CfnOutput(this, 'ApiId', { value: this.api.restApiId });
    new CfnOutput(this, 'Endpoint', { value: this.api.url });
  }

  /** By name and not by reference: the functions need the API's id, so the API cannot wait for the functions. */
  #functionName(operation: string): string {
    return `${this.#props.config.deployment}-${operation}`;
  }

  #functionArn(operation: string): string {
    return this.formatArn({ service: 'lambda', resource: `function:${this.#functionName(operation)}` });
  }

  #api(accessLogs: LogGroup): SpecRestApi {
    const document = deployedOpenApi(operations, (operation) => {
      const path = `path/2015-03-31/functions/${this.#functionArn(operation ?? wireName)}/invocations`;
      return `arn:${this.partition}:apigateway:${this.region}:lambda:${path}`;
    });
    return new SpecRestApi(this, 'Api', {
      restApiName: this.#props.config.deployment,
      description: 'Chatelaine: the AWS KMS protocol on POST /, REST under /v1/.',
      apiDefinition: ApiDefinition.fromInline(document),
      endpointTypes: [EndpointType.REGIONAL],
      failOnWarnings: true,
      cloudWatchRole: true,
      deployOptions: {
        stageName,
        // Never data tracing: it would write plaintext into the log.
        dataTraceEnabled: false,
        loggingLevel: MethodLoggingLevel.ERROR,
        metricsEnabled: true,
        throttlingRateLimit: 2000,
        throttlingBurstLimit: 1000,
        accessLogDestination: new LogGroupLogDestination(accessLogs),
        accessLogFormat: AccessLogFormat.custom(
          JSON.stringify({
            requestId: AccessLogField.contextRequestId(),
            time: AccessLogField.contextRequestTime(),
            method: AccessLogField.contextHttpMethod(),
            resourcePath: AccessLogField.contextResourcePath(),
            status: AccessLogField.contextStatus(),
            accountId: AccessLogField.contextOwnerAccountId(),
            callerAccountId: AccessLogField.contextCallerAccountId(),
            userArn: AccessLogField.contextIdentityUserArn(),
            sourceIp: AccessLogField.contextIdentitySourceIp(),
            responseType: AccessLogField.contextErrorResponseType(),
            latencyMs: AccessLogField.contextResponseLatency(),
          }),
        ),
      },
    });
  }

  #operation(operation: Operation): void {
    const { config, codeFolder, data, audit, bridge } = this.#props;
    const bridgeClass = bridgeClassOf(operation) as FunctionCallerClass;
    const makesKeys = operation.needs.includes('keyFactory') || operation.needs.includes('importer');
    const name = operation.name;
    const resources: ServiceResources = { tables: data.tables, tableKey: data.tableKey, bus: audit.bus, auditQueue: audit.fallbackQueue, bridgeSecrets: bridge.secrets };
    const served = new ServiceFunction(this, name, {
      kind: 'operation',
      functionName: this.#functionName(name),
      description: operation.summary,
      codeFolder,
      network: this.#props.network?.callers,
      entrypoint: 'operation',
      environment: {
        CHATELAINE_OPERATION: name,
        CHATELAINE_API_ID: this.api.restApiId,
        ...this.#auditEnvironment(),
        ...tableEnvironment(data),
        ...bridgeEnvironment(config, bridge.secrets[bridgeClass]),
        ...(config.administrators.length === 0 ? {} : { CHATELAINE_ADMINISTRATORS: config.administrators.join(',') }),
      },
      grants: grantsOf(operation),
      resources,
      logGroup: this.#logGroup,
      memoryMb: bridgeClass === 'crypto' ? 512 : 256,
      // RSA keys take seconds to make.
      timeoutSeconds: makesKeys ? 29 : 15,
    });
    this.#allowApi(`${name}Permission`, served, operation.http.method, operation.http.path);
  }

  #wire(): void {
    const { config, codeFolder, audit } = this.#props;
    const wire = new ServiceFunction(this, 'Wire', {
      kind: 'wire',
      functionName: this.#functionName(wireName),
      description: 'POST /: hands requests of the AWS JSON protocol to the function of their operation.',
      codeFolder,
      network: this.#props.network?.workers,
      entrypoint: 'wire',
      environment: { CHATELAINE_API_ID: this.api.restApiId, ...this.#auditEnvironment(), CHATELAINE_FUNCTION_PREFIX: config.deployment },
      grants: auditGrants,
      resources: { bus: audit.bus, auditQueue: audit.fallbackQueue },
      // The only role of the deployment that may invoke functions (docs/adr/0010 and 0013).
      statements: [
        new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: operations.filter(({ wire }) => wire !== false).map(({ name }) => this.#functionArn(name)) }),
      ],
      logGroup: this.#logGroup,
      memoryMb: 512,
      timeoutSeconds: 29,
    });
    this.#allowApi('WirePermission', wire, 'POST', '/');
  }

  #auditEnvironment() {
    const { audit } = this.#props;
    return { CHATELAINE_PARTITION: this.partition, CHATELAINE_EVENT_BUS: audit.bus.eventBusName, CHATELAINE_AUDIT_QUEUE_URL: audit.fallbackQueue.queueUrl };
  }

  /** One route of one stage of this API, and nobody else's. */
  #allowApi(id: string, served: ServiceFunction<'operation'> | ServiceFunction<'wire'>, method: string, path: string): void {
    const route = path.replaceAll(/\{[A-Za-z]+\}/g, '*').replace(/^\//, '');
    new CfnPermission(this, id, {
      action: 'lambda:InvokeFunction',
      principal: 'apigateway.amazonaws.com',
      functionName: served.function.functionArn,
      sourceAccount: this.account,
      sourceArn: this.formatArn({ service: 'execute-api', resource: this.api.restApiId, resourceName: `${stageName}/${method}/${route}` }),
    });
  }
}
