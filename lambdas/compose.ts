/** Puts the functions together from their environment. The only file that constructs clients of AWS. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { createBridgeClient } from '#bridge/client/bridge-client.ts';
import { configuredAttestationRoots } from '#shared/attestation/trusted-roots.ts';
import { type FunctionEnvironment, readEnvironment } from '#shared/env/function-environment.ts';
import { readKeyStoreEnvironment } from '#shared/env/key-store-environment.ts';
import { countAlarms, countAuditSinks, measureCrypto } from '#shared/metrics/measured.ts';
import { operations } from '#shared/operations/index.ts';
import { createService, type Service } from '#shared/pipeline/service.ts';
import { configuredAdministrators } from '#shared/policy/administrators.ts';
import { type Crypto, CryptoError } from '#shared/ports/crypto.ts';
import type { KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { createEventBridge, createSecretsManager, createSqs } from './adapters/aws-services.ts';
import { createBridgeCrypto } from './adapters/bridge-crypto.ts';
import { createDynamoDbClient } from './adapters/dynamodb-client.ts';
import { createDynamoDbStore } from './adapters/dynamodb-store.ts';
import { createEventBridgeAlarmSink, type FlushableAlarmSink } from './adapters/eventbridge-alarm-sink.ts';
import { createEventBridgeAuditSink } from './adapters/eventbridge-audit-sink.ts';
import { createFallbackAuditSink } from './adapters/fallback-audit-sink.ts';
import { type BridgeAddress, createKeyStoreBridges } from './adapters/key-store-bridges.ts';
import { repeatOnce } from './adapters/repeat-once.ts';
import { createSqsAuditSink } from './adapters/sqs-audit-sink.ts';
import type { ArchiveHandlerSettings } from './handlers/archive-handler.ts';
import type { DueTaskHandlerSettings } from './handlers/due-task-handler.ts';
import type { OperationHandlerSettings } from './handlers/operation-handler.ts';
import type { OutboxHandlerSettings } from './handlers/outbox-handler.ts';
import type { SweepHandlerSettings } from './handlers/sweep-handler.ts';
import type { WireHandlerSettings } from './handlers/wire-handler.ts';
import { logFault } from './log-line.ts';
import { recordDaysLeft } from './metrics/certificate-days.ts';
import { createFunctionMetrics, type FunctionMetrics } from './metrics/function-metrics.ts';

type ProcessEnvironment = Readonly<Record<string, string | undefined>>;

const clock = { now: () => Date.now() };
const operationNames: ReadonlySet<string> = new Set(operations.map(({ name }) => name));

const metricsOf = ({ CHATELAINE_DEPLOYMENT: deployment = 'chatelaine' }: ProcessEnvironment): FunctionMetrics => createFunctionMetrics({ deployment, operations: operationNames });

export function composeOperation(environment: ProcessEnvironment): OperationHandlerSettings {
  const settings = readEnvironment('operation', environment);
  const metrics = metricsOf(environment);
  const { audit, alarms } = sinks(settings, metrics);
  const configuredRoles = configuredAdministrators(settings.CHATELAINE_ADMINISTRATORS);
  const service = createService({
    store: store(settings),
    crypto: bridge(settings, metrics),
    keyStoreBridges: keyStoreBridges(settings, metrics),
    audit,
    alarms,
    clock,
    partition: settings.CHATELAINE_PARTITION,
    custodianSessions: settings.CHATELAINE_CUSTODIAN_SESSIONS,
    configuredRoles,
    regions: ownRegion(environment),
    attestationRoots: configuredAttestationRoots(settings.CHATELAINE_ATTESTATION_ROOTS),
    onFault: logFault,
  });
  return { service, operation: settings.CHATELAINE_OPERATION, apiId: settings.CHATELAINE_API_ID, region: regionOf(environment), flush: alarms.flush, metrics };
}

export function composeWire(environment: ProcessEnvironment): WireHandlerSettings {
  const settings = readEnvironment('wire', environment);
  const metrics = metricsOf(environment);
  const { audit, alarms } = sinks(settings, metrics);
  return {
    // A repeat could do a change twice: the caller decides.
    client: new LambdaClient({ maxAttempts: 1 }),
    service: { audit, alarms, clock, onFault: logFault },
    operationNames: new Set(operations.filter(({ wire }) => wire !== false).map(({ name }) => name)),
    custodianSessions: settings.CHATELAINE_CUSTODIAN_SESSIONS,
    functionName: (operation) => `${settings.CHATELAINE_FUNCTION_PREFIX}-${operation}`,
    apiId: settings.CHATELAINE_API_ID,
    region: regionOf(environment),
    flush: alarms.flush,
    metrics,
  };
}

export function composeSweep(environment: ProcessEnvironment): SweepHandlerSettings {
  const settings = readEnvironment('sweep', environment);
  return { store: store(settings), client: createSqs(), queueUrl: settings.CHATELAINE_TASK_QUEUE_URL, metrics: metricsOf(environment) };
}

export function composeDueTask(environment: ProcessEnvironment): DueTaskHandlerSettings {
  const settings = readEnvironment('dueTask', environment);
  const metrics = metricsOf(environment);
  const { audit, alarms } = sinks(settings, metrics);
  // The sweep's tasks are the service's own: they ask for nobody's permission.
  const configuredRoles = () => [];
  const service: Service = createService({
    store: store(settings),
    crypto: bridge(settings, metrics),
    keyStoreBridges: keyStoreBridges(settings, metrics),
    audit,
    alarms,
    clock,
    partition: settings.CHATELAINE_PARTITION,
    configuredRoles,
    regions: ownRegion(environment),
    onFault: logFault,
  });
  return { service, flush: alarms.flush, metrics };
}

export function composeOutboxPublisher(environment: ProcessEnvironment): OutboxHandlerSettings {
  const settings = readEnvironment('outboxPublisher', environment);
  const audit = createEventBridgeAuditSink({ client: createEventBridge(), busName: settings.CHATELAINE_EVENT_BUS });
  return { store: store(settings), audit, metrics: metricsOf(environment) };
}

export function composeAuditArchiver(environment: ProcessEnvironment): ArchiveHandlerSettings {
  const settings = readEnvironment('auditArchiver', environment);
  return { client: new S3Client({ maxAttempts: 2 }), bucket: settings.CHATELAINE_ARCHIVE_BUCKET, metrics: metricsOf(environment) };
}

type TableSettings = Pick<FunctionEnvironment<'operation'>, 'CHATELAINE_TABLE_CORE' | 'CHATELAINE_TABLE_MATERIAL' | 'CHATELAINE_TABLE_OPS'>;

function store(settings: TableSettings): RecordStore {
  const { CHATELAINE_TABLE_CORE: core, CHATELAINE_TABLE_MATERIAL: material, CHATELAINE_TABLE_OPS: ops } = settings;
  return createDynamoDbStore({ client: createDynamoDbClient(), tables: { core, material, ops } });
}

type AuditSettings = Pick<FunctionEnvironment<'operation'>, 'CHATELAINE_EVENT_BUS' | 'CHATELAINE_AUDIT_QUEUE_URL'>;

function sinks({ CHATELAINE_EVENT_BUS: busName, CHATELAINE_AUDIT_QUEUE_URL: queueUrl }: AuditSettings, metrics: FunctionMetrics) {
  const client = createEventBridge();
  const places = [createEventBridgeAuditSink({ client, busName }), createSqsAuditSink({ client: createSqs(), queueUrl })];
  const audit = createFallbackAuditSink(countAuditSinks(places, metrics));
  const alarms: FlushableAlarmSink = countAlarms(createEventBridgeAlarmSink({ client, busName, onLost: () => metrics.record('AlarmsNotSent', 1) }), metrics);
  return { audit, alarms };
}

type BridgeSettings = Pick<FunctionEnvironment<'operation'>, 'CHATELAINE_BRIDGE_URL' | 'CHATELAINE_BRIDGE_SERVER_NAME' | 'CHATELAINE_BRIDGE_SECRET'>;

function bridge(settings: BridgeSettings, metrics: FunctionMetrics): Crypto {
  const { CHATELAINE_BRIDGE_URL: url, CHATELAINE_BRIDGE_SERVER_NAME: servername, CHATELAINE_BRIDGE_SECRET: secretId } = settings;
  return bridgeAt({ url, servername, secretId }, metrics);
}

function keyStoreBridges({ CHATELAINE_KEY_STORES: text }: Pick<FunctionEnvironment<'operation'>, 'CHATELAINE_KEY_STORES'>, metrics: FunctionMetrics): KeyStoreBridges {
  return createKeyStoreBridges(readKeyStoreEnvironment(text), (address) => bridgeAt(address, metrics));
}

function bridgeAt({ url, servername, secretId: SecretId, demand }: BridgeAddress, metrics: FunctionMetrics): Crypto {
  const secrets = createSecretsManager();
  const crypto = createBridgeCrypto({
    async loadSecret() {
      if (SecretId === undefined) throw new CryptoError('forbidden', 'this function has no certificate for the bridge');
      const { SecretString } = await repeatOnce(2000, (options) => secrets.send('GetSecretValue', { SecretId }, options));
      return SecretString ?? '';
    },
    connect(certificate) {
      demand?.(certificate);
      return createBridgeClient({ url, ...certificate, ...(servername === undefined ? {} : { servername }) });
    },
    onLoaded: ({ cert, ca }) => recordDaysLeft(metrics, { client: cert, authority: ca }, Date.now()),
  });
  return measureCrypto(crypto, metrics, () => performance.now());
}

/** A deployment keeps the keys of its own Region (docs/adr/0022). */
const ownRegion = (environment: ProcessEnvironment): readonly string[] => [regionOf(environment)];

function regionOf(environment: ProcessEnvironment): string {
  const region = environment.AWS_REGION;
  if (!region) throw new Error('These environment variables are missing or unusable: AWS_REGION.');
  return region;
}
