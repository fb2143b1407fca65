/** Puts the parts of the single node together: the same operations as on AWS, over SQLite, files and the local bridge. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createBridgeClient } from '#bridge/client/bridge-client.ts';
import { createOutboxPublisher } from '#shared/audit/outbox.ts';
import { countAlarms, countAuditSinks, measureCrypto, recordRequest } from '#shared/metrics/measured.ts';
import { PrometheusPage } from '#shared/metrics/prometheus-page.ts';
import { readEmf } from '#shared/metrics/read-emf.ts';
import { operations } from '#shared/operations/index.ts';
import { createService } from '#shared/pipeline/service.ts';
import { handleApiRequest } from '#shared/protocols/handle-api-request.ts';
import { createAlarmFile } from './audit/alarm-file.ts';
import { type AuditFile, createAuditFile } from './audit/audit-file.ts';
import { createFallbackSink } from './audit/fallback-sink.ts';
import { type ConnectBridge, openKeyStores } from './bridge/key-stores-file.ts';
import type { RunningBridge } from './bridge/start-bridge.ts';
import type { DataDir } from './data-dir.ts';
import { createEventBus } from './event-bus.ts';
import { watchHealth } from './health.ts';
import { createListener, defaultLimits } from './http/listener.ts';
import { createConfiguredRoles } from './identity/configured-roles.ts';
import { openCredentialsFile } from './identity/credentials-file.ts';
import { openMetricsToken } from './identity/metrics-token.ts';
import { openPrincipalsFile } from './identity/principals-file.ts';
import { createSigV4Verifier } from './identity/sigv4-verifier.ts';
import type { Log } from './log.ts';
import type { Settings } from './settings.ts';
import { createSqliteStore } from './sqlite-store.ts';
import { startSweeps } from './sweeps.ts';
import { version } from './version.ts';

export interface RunningServer {
  readonly endpoint: string;
  /** Finishes the requests under way, publishes what they left, ends the bridge and closes every file. */
  stop(): Promise<void>;
}

const requestsGraceMs = 10_000;
const bridgeGraceMs = 5000;

export async function startServer(settings: Settings, data: DataDir, bridge: RunningBridge, log: Log): Promise<RunningServer> {
  const event = (name: string) => (detail: string | Readonly<Record<string, unknown>>) =>
    log.line({ event: name, time: new Date().toISOString(), ...(typeof detail === 'string' ? { message: detail } : detail) });
  const clock = { now: Date.now };
  const metrics = new PrometheusPage(new Set(operations.map(({ name }) => name)));
  bridge.supervisor.onLine((line) => readEmf(line, metrics));
  const connect: ConnectBridge = (options) => measureCrypto(createBridgeClient(options), metrics, () => performance.now());
  const keyStores = openKeyStores(data.keyStores, connect);
  const bus = createEventBus((reason) => event('subscriber-failed')({ reason }));
  const store = createSqliteStore({ path: data.store });
  const auditFiles = openAuditFiles(settings, data, (record) => bus.publish({ kind: 'audit', record }));
  const audit = createFallbackSink(countAuditSinks(auditFiles, metrics));
  const alarms = countAlarms(
    createAlarmFile(data.alarmFile, log, (alarm) => bus.publish({ kind: 'alarm', alarm })),
    metrics,
  );
  const crypto = connect(bridge.connection);
  const administrator = openCredentialsFile(data.credentials);
  const principals = openPrincipalsFile(data.principals, event('principals-refused'));
  const configuredRoles = createConfiguredRoles(administrator, principals);
  const service = createService({
    store,
    crypto,
    keyStoreBridges: keyStores.bridges,
    audit,
    alarms,
    clock,
    partition: settings.partition,
    configuredRoles,
    attestationRoots: settings.attestationRoots,
    onCommit,
    onFault: (fault) => event('fault')({ ...fault }),
  });
  const outbox = createOutboxPublisher({ store, audit });
  function onCommit({ dueNow }: { readonly dueNow: boolean }): void {
    sweeps.publish();
    if (dueNow) sweeps.nudge();
  }
  const sweeps = startSweeps({ service, store, outbox, everyMs: settings.sweepSeconds * 1000, metrics, report: event('sweep-failed') });

  const authenticate = createSigV4Verifier({
    services: ['kms', 'execute-api'],
    clock,
    findPrincipal: (id) => (id === administrator.accessKeyId ? administrator : principals.find(id)),
  });
  const health = watchHealth({ supervisor: bridge.supervisor, store, auditFiles, version });
  const listener = createListener({
    limits: { ...defaultLimits, requestTimeoutMs: settings.requestTimeoutMs },
    authenticate,
    handle: (request, verify) => handleApiRequest(service, request, verify),
    health: health.answer,
    metrics: { text: () => metrics.text(), checkToken: openMetricsToken(data.metricsToken) },
    onAnswer: (summary, latencyMs) => recordRequest(metrics, summary, latencyMs),
    log: log.line,
  });
  const port = await listener.listen(settings.host, settings.port);
  sweeps.publish();

  return {
    endpoint: `http://${settings.host}:${port}`,
    async stop() {
      health.stop();
      await listener.close(requestsGraceMs);
      await sweeps.stop();
      await service.ports.usage.flush();
      crypto.close();
      keyStores.close();
      await bridge.supervisor.stop(bridgeGraceMs);
      for (const file of auditFiles) await file.close();
      await alarms.close();
      store.close();
    },
  };
}

function openAuditFiles(settings: Settings, data: DataDir, onDurable: Parameters<typeof createAuditFile>[1]): readonly AuditFile[] {
  const first = createAuditFile(data.auditFile, onDurable);
  if (settings.auditFallbackDir === undefined) return [first];
  mkdirSync(settings.auditFallbackDir, { recursive: true, mode: 0o700 });
  return [first, createAuditFile(join(settings.auditFallbackDir, 'audit-fallback.jsonl'), onDurable)];
}
