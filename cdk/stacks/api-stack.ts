/** The API: one function and one role per operation, the wire dispatcher, and API Gateway in front with IAM authorization on every route. */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { ApiDefinition, type CfnRestApi, EndpointType, LogGroupLogDestination, SpecRestApi } from 'aws-cdk-lib/aws-apigateway';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { isDataPlane, type Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';
import { destructiveOperations } from '#shared/policy/destructive-operations.ts';
import { accessLogFormat } from '../api/access-log-format.ts';
import { custodianRole, custodianRoleName } from '../api/custodian.ts';
import { privateDoor } from '../api/private-door.ts';
import { resourcePolicy } from '../api/resource-policy.ts';
import { routeSettings, stageSettings } from '../api/route-settings.ts';
import { invokePath, stageName } from '../api/routes.ts';
import { WebAcl } from '../api/web-acl.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { deployedOpenApi } from '../constructs/deployed-openapi.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import type { FunctionCallerClass, ServiceResources } from '../constructs/service-resources.ts';
import { auditGrants, bridgeClassOf, grantsOf, keyStoreClassOf, keyStoreGrants } from '../grants.ts';
import type { AuditStack } from './audit-stack.ts';
import type { BridgeStack } from './bridge-stack.ts';
import type { DataStack } from './data-stack.ts';
import { bridgeEnvironment, keyStoreEnvironment, tableEnvironment } from './environment.ts';
import type { KeysStack } from './keys-stack.ts';
import type { NetworkStack } from './network-stack.ts';

export interface ApiStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly codeFolder: string;
  readonly data: DataStack;
  readonly audit: AuditStack;
  readonly bridge: BridgeStack;
  readonly keys: KeysStack;
  readonly network: NetworkStack | undefined;
}

const wireName = 'wire';

export class ApiStack extends Stack {
  readonly #props: ApiStackProps;
  readonly #logGroup: LogGroup;
  readonly api: SpecRestApi;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    this.#props = props;
    const logs = { retention: props.config.logRetentionDays, encryptionKey: props.keys.logs, removalPolicy: RemovalPolicy.DESTROY };
    this.#logGroup = new LogGroup(this, 'Logs', logs);
    this.api = this.#api(new LogGroup(this, 'AccessLogs', logs));
    for (const operation of operations) this.#operation(operation);
    this.#wire();
    this.#guards();
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
    const { deployment, network, api: config } = this.#props.config;
    const isPrivate = config.endpoint === 'private';
    const vpc = this.#props.network?.vpc;
    const vpcEndpointIds = [...config.vpcEndpointIds, ...(isPrivate && vpc !== undefined && network !== undefined ? [privateDoor(this, vpc, network.cidr).vpcEndpointId] : [])];
    const api = new SpecRestApi(this, 'Api', {
      restApiName: deployment,
      description: 'Chatelaine: the AWS KMS protocol on POST /, REST under /v1/.',
      apiDefinition: ApiDefinition.fromInline(document),
      endpointTypes: [isPrivate ? EndpointType.PRIVATE : EndpointType.REGIONAL],
      policy: resourcePolicy({ stack: this, deployment, api: config, vpcEndpointIds }),
      failOnWarnings: true,
      cloudWatchRole: true,
      deployOptions: {
        ...stageSettings,
        stageName,
        methodOptions: { ...routeSettings },
        accessLogDestination: new LogGroupLogDestination(accessLogs),
        accessLogFormat,
      },
    });
    const resource = api.node.defaultChild as CfnRestApi;
    resource.securityPolicy = 'SecurityPolicy_TLS13_1_3_2025_09';
    // The name in TLS must be the name of this API: no fronting by another.
    resource.endpointAccessMode = 'STRICT';
    return api;
  }

  /** What stands in front of the routes, beside their own authorization. */
  #guards(): void {
    const { deployment, api, logRetentionDays } = this.#props.config;
    const apiId = this.api.restApiId;
    if (api.webAcl) {
      const stageArn = `arn:${this.partition}:apigateway:${this.region}::/restapis/${apiId}/stages/${this.api.deploymentStage.stageName}`;
      new WebAcl(this, 'WebAcl', { deployment, requestsPerAddress: api.requestsPerAddress, logRetention: logRetentionDays, logKey: this.#props.keys.logs, stageArn });
    }
    if (api.custodian !== undefined) custodianRole(this, { deployment, apiId, principals: api.custodian.principals });
  }

  #operation(operation: Operation): void {
    const { config, codeFolder, data, audit, bridge, keys } = this.#props;
    const bridgeClass = bridgeClassOf(operation) as FunctionCallerClass;
    const makesKeys = operation.needs.includes('keyFactory') || operation.needs.includes('importer');
    const keyStoreClass = keyStoreClassOf(operation);
    const name = operation.name;
    const resources: ServiceResources = {
      keys,
      tables: data.tables,
      tableKey: data.tableKey,
      bus: audit.bus,
      auditQueue: audit.fallbackQueue,
      bridgeSecrets: bridge.secrets,
      keyStoreSecrets: bridge.keyStoreSecrets,
    };
    const served = new ServiceFunction(this, name, {
      kind: 'operation',
      functionName: this.#functionName(name),
      description: operation.summary,
      codeFolder,
      network: this.#props.network?.callers,
      entrypoint: isDataPlane(operation) ? 'data-plane' : 'operation',
      environment: {
        CHATELAINE_OPERATION: name,
        CHATELAINE_API_ID: this.api.restApiId,
        ...this.#auditEnvironment(),
        ...tableEnvironment(data),
        ...bridgeEnvironment(bridge, bridge.secrets[bridgeClass]),
        ...keyStoreEnvironment(this, config, bridge.keyStoreSecrets, keyStoreClass),
        ...(config.attestation === undefined || operation.recipient === undefined ? {} : { CHATELAINE_ATTESTATION_ROOTS: config.attestation.roots.join(',') }),
        ...(destructiveOperations.has(name) ? this.#custodianEnvironment() : {}),
        ...(config.administrators.length === 0 ? {} : { CHATELAINE_ADMINISTRATORS: config.administrators.join(',') }),
      },
      grants: [...grantsOf(operation), ...keyStoreGrants(keyStoreClass)],
      resources,
      logGroup: this.#logGroup,
      memoryMb: bridgeClass === 'crypto' ? 512 : 256,
      // RSA keys take seconds to make.
      timeoutSeconds: makesKeys ? 29 : 15,
    });
    this.#allowApi(`${name}Permission`, served, operation.http.method, operation.http.path);
  }

  #wire(): void {
    const { config, codeFolder, audit, keys } = this.#props;
    const wire = new ServiceFunction(this, 'Wire', {
      kind: 'wire',
      functionName: this.#functionName(wireName),
      description: 'POST /: hands requests of the AWS JSON protocol to the function of their operation.',
      codeFolder,
      network: this.#props.network?.workers,
      entrypoint: 'wire',
      environment: { CHATELAINE_API_ID: this.api.restApiId, ...this.#auditEnvironment(), CHATELAINE_FUNCTION_PREFIX: config.deployment, ...this.#custodianEnvironment() },
      grants: auditGrants,
      resources: { bus: audit.bus, auditQueue: audit.fallbackQueue, keys },
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

  /** Through POST / the gateway does not see which operation is meant, so the dispatcher checks the role; and once more the function that destroys. */
  #custodianEnvironment() {
    const { deployment, api } = this.#props.config;
    if (api.custodian === undefined) return {};
    return { CHATELAINE_CUSTODIAN_SESSIONS: `${this.formatArn({ service: 'sts', region: '', resource: 'assumed-role', resourceName: custodianRoleName(deployment) })}/` };
  }

  #auditEnvironment() {
    const { audit } = this.#props;
    return { CHATELAINE_PARTITION: this.partition, CHATELAINE_EVENT_BUS: audit.bus.eventBusName, CHATELAINE_AUDIT_QUEUE_URL: audit.fallbackQueue.queueUrl };
  }

  /** One route of one stage of this API, and nobody else's. */
  #allowApi(id: string, served: ServiceFunction<'operation'> | ServiceFunction<'wire'>, method: string, path: string): void {
    new CfnPermission(this, id, {
      action: 'lambda:InvokeFunction',
      principal: 'apigateway.amazonaws.com',
      functionName: served.function.functionArn,
      sourceAccount: this.account,
      sourceArn: this.formatArn({ service: 'execute-api', resource: this.api.restApiId, resourceName: `${stageName}/${invokePath({ method, path })}` }),
    });
  }
}
