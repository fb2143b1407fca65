/** Puts the parts of the bridge together. */
import { BridgeMetrics } from './bridge-metrics.ts';
import { type BridgeConfig, readPin } from './config.ts';
import { loadDomainKeys } from './driver/domain-keys.ts';
import { loadModule, TokenUnavailable } from './driver/module.ts';
import { findSlot, login, missingMechanisms } from './driver/token.ts';
import { Lane } from './lanes/lane.ts';
import type { WorkerSetup } from './lanes/worker.ts';
import { Hsm } from './operations/hsm.ts';
import { profiles } from './profiles/index.ts';
import { CertificateFiles } from './server/certificate-files.ts';
import { Health } from './server/health.ts';
import { BridgeServer } from './server/server.ts';

export interface Bridge {
  readonly port: number;
  readonly healthPort: number;
  /** Takes over certificates that were replaced in their files. It does so by itself within half a minute. */
  lookAtCertificates(): void;
  /** Stops taking work, finishes what runs. */
  drain(): Promise<void>;
}

export interface BridgeEvents {
  log(entry: Readonly<Record<string, unknown>>): void;
  onTokenLost(reason: string): void;
}

const drainWithinMs = 10_000;
const canaryWithinMs = 2_000;
const cacheSweepMs = 15_000;
/** Jobs in flight over all workers of a lane; more only wait in another place. */
const inFlightTarget = 128;

/** @throws TokenUnavailable, DomainKeysRefused, ConfigInvalid */
export async function startBridge(config: BridgeConfig, events: BridgeEvents): Promise<Bridge> {
  const { hsm: hsmConfig, workers, queue, cache, listen } = config;
  const profile = profiles[hsmConfig.profile];
  Object.assign(process.env, hsmConfig.environment);
  const module = loadModule(hsmConfig.modulePath);
  const slot = findSlot(module, hsmConfig.tokenLabel);
  const missing = missingMechanisms(module, profile, slot);
  if (missing.length > 0) throw new TokenUnavailable(`the HSM lacks mechanisms of profile ${profile.name}: ${missing.join(', ')}`);
  const keeper = login(module, profile, slot, readPin(hsmConfig));
  const epochs = loadDomainKeys(module, profile, keeper, config.domain, config.epoch);
  const setup: WorkerSetup = { modulePath: hsmConfig.modulePath, profile: profile.name, domain: config.domain, slot, epochs };

  const metrics = new BridgeMetrics(config.metrics, { bridge: config.tls.certificate, authority: config.tls.clientAuthority });
  const lane = (name: 'fast' | 'slow', depth: number): Lane =>
    new Lane({
      name,
      workers: workers[name],
      queueMax: name === 'fast' ? queue.fastMax : queue.slowMax,
      depth,
      setup,
      quick: profile.quickJobs,
      onDone: (waitedMs) => metrics.jobDone(name, waitedMs),
      onWorkerLost: (sessions, reason) => {
        events.log({ event: 'worker-lost', lane: name, reason });
        metrics.workerLost();
        for (const session of sessions) {
          try {
            module.C_CloseSession(Buffer.from(session));
          } catch {
            // It died with the worker.
          }
        }
        hsm.forgetKeys();
      },
    });
  const fast = lane('fast', Math.max(1, Math.ceil(inFlightTarget / workers.fast)));
  const slow = lane('slow', 1);
  const hsm: Hsm = new Hsm({
    fast,
    slow,
    cacheEntriesMax: cache.entriesMax,
    cacheTtlMs: cache.ttlMs,
    onMaterialRefused: (keyId, reason) => events.log({ event: 'material-refused', keyId, reason }),
    onTokenLost: events.onTokenLost,
    onHsmError: (cause) => metrics.hsmFailed(cause),
  });
  await Promise.all([fast.start(), slow.start()]);

  const files = new CertificateFiles(config.tls);
  const server = new BridgeServer({
    hsm,
    host: listen.host,
    port: listen.port,
    certificates: files.current,
    onFault: (error) => events.log({ event: 'fault', ...faultOf(error) }),
    observer: metrics,
  });
  const health = new Health({
    host: listen.host,
    port: listen.healthPort,
    canary: async () => void (await hsm.run('canary', [], { deadlineAt: performance.now() + canaryWithinMs })),
  });
  const healthPort = await health.start();
  const port = await server.listen();
  files.follow({ use: (certificates) => server.useCertificates(certificates), log: events.log });
  metrics.start({ lanes: { fast, slow }, ready: () => health.ready, cachedKeys: () => hsm.cachedKeys });
  const sweep = setInterval(() => hsm.expireCaches(), cacheSweepMs).unref();
  return {
    port,
    healthPort,
    lookAtCertificates: () => files.look(),
    async drain() {
      health.leave();
      files.stop();
      clearInterval(sweep);
      await server.drain(drainWithinMs);
      await Promise.all([fast.close(), slow.close()]);
      health.close();
      metrics.stop();
    },
  };
}

/** HSM return values and stack frames; messages of this program carry no data of calls. */
function faultOf(error: unknown): Record<string, unknown> {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? { name: cause.name, message: cause.message, at: cause.stack?.split('\n')[1]?.trim() } : { message: 'unknown' };
}
