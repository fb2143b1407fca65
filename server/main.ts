/** The single-node server: `npm start`, or `node server/main.ts` with Node 24. See settings.ts for what the environment can say. */
import { flushCompileCache } from 'node:module';
import { startBridge } from './bridge/start-bridge.ts';
import { DataDirInUse, lockDataDir, openDataDir } from './data-dir.ts';
import { createLog, writeLastLine } from './log.ts';
import { readyMessage } from './ready-message.ts';
import { readSettings, SettingInvalid } from './settings.ts';

/** The HSM bridge gets this long before the server says that it runs without it. */
const bridgeWithinMs = 8000;
/** A second signal after this long means: now. */
const impatientAfterMs = 1000;

process.umask(0o077);
const log = createLog();

async function run(): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const data = openDataDir(settings.dataDir);
  const unlock = lockDataDir(data);
  const bridge = await startBridge(settings, data, log.line);
  let stopRequested = false;
  let stop = async (): Promise<void> => bridge.supervisor.stop(0);
  onStopRequest((reason) => {
    stopRequested = true;
    log.line({ event: 'stopping', time: new Date().toISOString(), reason });
    void stop()
      .catch((error: unknown) => writeLastLine({ event: 'stop-failed', message: messageOf(error) }))
      .then(() => leave(0));
  });

  // The bridge starts on the other core while this process loads and opens its parts.
  const { startServer } = await import('./start-server.ts');
  const server = await startServer(settings, data, bridge, log).catch(async (error: unknown) => {
    await bridge.supervisor.stop(0);
    throw error;
  });
  stop = async () => {
    await server.stop();
    unlock();
  };
  const ready = await bridge.supervisor.whenReady(bridgeWithinMs);
  if (stopRequested) return;
  log.text(readyMessage({ endpoint: server.endpoint, credentialsFile: data.credentials, dataDir: data.path, degraded: !ready }));
  log.line({
    event: 'ready',
    time: new Date().toISOString(),
    endpoint: server.endpoint,
    credentialsFile: data.credentials,
    pid: process.pid,
    bridgePid: bridge.supervisor.pid,
    degraded: !ready,
  });
  setTimeout(flushCompileCache, 1000).unref();
}

/** Signals, and the end of the process that started this one (its IPC channel closes). */
function onStopRequest(stop: (reason: string) => void): void {
  let askedAtMs: number | undefined;
  const ask = (reason: string): void => {
    if (askedAtMs === undefined) {
      askedAtMs = performance.now();
      stop(reason);
    } else if (performance.now() - askedAtMs > impatientAfterMs) process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ask(signal));
  process.on('disconnect', () => ask('parent-gone'));
  process.channel?.unref();
}

async function leave(code: number): Promise<never> {
  await log.flush();
  process.exit(code);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Faults of the person who starts it are one line; a fault of the program keeps its stack. */
function explain(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
    return `Port ${(error as { port?: number }).port} is in use. Stop the other program, or set CHATELAINE_PORT to another port (0 picks a free one).`;
  if (error instanceof SettingInvalid || error instanceof DataDirInUse) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.on('uncaughtException', (error) => {
  writeLastLine({ event: 'fault', time: new Date().toISOString(), name: error.name, stack: error.stack?.slice(0, 2000) });
  process.exit(1);
});

run().catch(async (error: unknown) => {
  process.stderr.write(`\nChatelaine did not start. ${explain(error)}\n`);
  await leave(1);
});
