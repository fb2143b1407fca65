/** The bridge process. Prints JSON lines on stdout, the first of them `ready` with the ports it picked. */
import { setFlagsFromString } from 'node:v8';
import { startBridge } from './bridge.ts';
import { ConfigInvalid, readConfig } from './config.ts';
import { DomainKeysRefused } from './driver/domain-keys.ts';
import { ModuleMissing, TokenUnavailable } from './driver/module.ts';
import { exitCodes } from './exit-codes.ts';

// V8 counts the memory of messages as growth of a heap that is small, and so collected all of it, in vain, five times a second under load (docs/adr/0015).
setFlagsFromString('--heap-growing-percent=400');

/** Answers in flight get this long before a bridge without a token exits. */
const lastWordsMs = 200;

const log = (entry: Readonly<Record<string, unknown>>): void => void process.stdout.write(`${JSON.stringify({ ...entry, time: new Date().toISOString() })}\n`);

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigInvalid || error instanceof ModuleMissing) return exitCodes.configInvalid;
  if (error instanceof TokenUnavailable) return exitCodes.tokenUnavailable;
  if (error instanceof DomainKeysRefused) return exitCodes.domainKeysRefused;
  return exitCodes.fault;
}

let leaving = false;
const leave = (code: number, afterMs = 0): void => {
  if (leaving) return;
  leaving = true;
  setTimeout(() => process.exit(code), afterMs);
};

try {
  const file = process.argv[2] ?? process.env.CHATELAINE_BRIDGE_CONFIG;
  if (file === undefined) throw new ConfigInvalid('usage: node hsm-bridge/main.ts CONFIG.json (or CHATELAINE_BRIDGE_CONFIG)');
  const bridge = await startBridge(readConfig(file), {
    log,
    onTokenLost(reason) {
      if (!leaving) log({ event: 'token-lost', reason });
      leave(exitCodes.tokenLost, lastWordsMs);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log({ event: 'draining' });
      void bridge.drain().then(() => leave(exitCodes.drained));
    });
  }
  process.on('SIGHUP', () => bridge.lookAtCertificates());
  log({ event: 'ready', port: bridge.port, healthPort: bridge.healthPort, pid: process.pid });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  log({ event: 'refused', message });
  process.stderr.write(`hsm-bridge: ${message}\n`);
  leave(exitCodeOf(error));
}
