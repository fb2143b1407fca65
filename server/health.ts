/** What GET /health says, from what is known already: asking costs nothing and waits for nothing, whoever asks. */
import { get } from 'node:http';
import type { AuditFile } from './audit/audit-file.ts';
import type { BridgeSupervisor } from './bridge/bridge-supervisor.ts';
import type { HealthAnswer } from './http/listener.ts';
import type { SqliteStore } from './sqlite-store.ts';

export interface Health {
  answer(): HealthAnswer;
  stop(): void;
}

export interface HealthSources {
  readonly supervisor: BridgeSupervisor;
  readonly store: Pick<SqliteStore, 'getMany'>;
  /** In the order in which they are tried. */
  readonly auditFiles: readonly AuditFile[];
  readonly version: string;
}

const everyMs = 1000;
const probeTimeoutMs = 900;

export function watchHealth(sources: HealthSources): Health {
  // A bridge says that it is ready after its first use of the HSM; from then on the probe tells.
  let hsmFailed = false;
  let store: 'ok' | 'unavailable' = 'ok';
  let stopping = false;

  const probe = async (): Promise<void> => {
    const { healthPort, state } = sources.supervisor;
    hsmFailed = state === 'ready' && healthPort !== undefined && !(await isReady(healthPort));
    store = await sources.store.getMany([{ table: 'core', pk: 'HEALTH', sk: 'META' }]).then(
      () => 'ok' as const,
      () => 'unavailable' as const,
    );
  };
  const timer = setInterval(() => void probe(), everyMs);
  timer.unref();

  return {
    answer() {
      const bridge = sources.supervisor.state;
      const hsm = bridge === 'ready' && !hsmFailed ? 'ok' : 'unavailable';
      const audit = sources.auditFiles.map((file) => file.problem ?? 'ok');
      const auditWorks = audit.includes('ok');
      const serving = bridge === 'ready' && store === 'ok' && auditWorks && !stopping;
      const whole = serving && hsm === 'ok' && audit.every((each) => each === 'ok');
      const status = stopping ? 'stopping' : whole ? 'ok' : 'degraded';
      return { ready: serving, body: { status, store, bridge, hsm, audit: audit[0], ...(audit.length > 1 ? { auditFallback: audit[1] } : {}), version: sources.version } };
    },
    stop() {
      stopping = true;
      clearInterval(timer);
    },
  };
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', timeout: probeTimeoutMs, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}
