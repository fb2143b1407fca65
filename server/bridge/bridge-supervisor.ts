/**
 * Keeps one hsm-bridge process running: starts it, notices its end, starts it again with growing pauses. The port stays the same, so the client
 * needs to know nothing. The child is in a process group of its own: a Ctrl-C in the terminal reaches it through the server, after the requests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LogLine } from '../log.ts';

export interface BridgeSupervisorSettings {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly log: (line: LogLine) => void;
  readonly firstPauseMs?: number;
  readonly pauseMaxMs?: number;
}

export type BridgeState = 'starting' | 'ready' | 'down' | 'stopped';

export interface BridgeSupervisor {
  readonly state: BridgeState;
  /** Undefined while none runs. */
  readonly pid: number | undefined;
  /** Where the running bridge answers /readyz. */
  readonly healthPort: number | undefined;
  /** Lines for which the listener says true are its own, and are not logged. */
  onLine(listener: (line: Readonly<Record<string, unknown>>) => boolean): void;
  /** Resolves when the bridge is ready, or to false when the time is over. */
  whenReady(timeoutMs: number): Promise<boolean>;
  /** Lets it drain, then ends it. */
  stop(graceMs: number): Promise<void>;
}

/** A bridge that lived this long was well: the pauses begin anew. */
const wellMs = 10_000;
/** A bridge that says nothing for so long after its start hangs. */
const startWithinMs = 30_000;

export function superviseBridge(settings: BridgeSupervisorSettings): BridgeSupervisor {
  const { log, firstPauseMs = 100, pauseMaxMs = 5000 } = settings;
  let state: BridgeState = 'starting';
  let child: ChildProcess | undefined;
  let healthPort: number | undefined;
  let pauseMs = firstPauseMs;
  let restart: NodeJS.Timeout | undefined;
  const waiting = new Set<(ready: boolean) => void>();
  let isTaken = (line: Readonly<Record<string, unknown>>): boolean => line._aws !== undefined;

  const onReady = (line: Record<string, unknown>): void => {
    state = 'ready';
    healthPort = Number(line.healthPort);
    for (const resolve of waiting) resolve(true);
    waiting.clear();
  };

  const start = (): void => {
    const startedMs = performance.now();
    const running = spawn(settings.command, settings.args, { env: settings.environment, stdio: ['ignore', 'pipe', 'inherit', 'ipc'], detached: true });
    child = running;
    // A closed channel has its own event; an error of it must not end the server.
    running.on('error', () => {});
    const silent = setTimeout(() => running.kill('SIGKILL'), startWithinMs);
    silent.unref();
    createInterface({ input: running.stdout! }).on('line', (text) => {
      const line = readLine(text);
      if (isTaken(line)) return;
      log({ ...line, component: 'bridge' });
      if (line.event !== 'ready' || state === 'stopped') return;
      clearTimeout(silent);
      onReady(line);
    });
    running.once('close', (code, signal) => {
      clearTimeout(silent);
      child = undefined;
      healthPort = undefined;
      if (state === 'stopped') return;
      state = 'down';
      if (performance.now() - startedMs > wellMs) pauseMs = firstPauseMs;
      log({ event: 'bridge-exited', time: new Date().toISOString(), code, signal, restartInMs: pauseMs });
      restart = setTimeout(start, pauseMs);
      pauseMs = Math.min(pauseMs * 2, pauseMaxMs);
    });
  };

  start();
  return {
    get state() {
      return state;
    },
    get pid() {
      return child?.pid;
    },
    get healthPort() {
      return healthPort;
    },
    onLine(listener) {
      isTaken = listener;
    },
    whenReady(timeoutMs) {
      if (state === 'ready') return Promise.resolve(true);
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting.delete(settle);
          resolve(false);
        }, timeoutMs);
        const settle = (ready: boolean): void => {
          clearTimeout(timer);
          resolve(ready);
        };
        waiting.add(settle);
      });
    },
    async stop(graceMs) {
      state = 'stopped';
      clearTimeout(restart);
      for (const resolve of waiting) resolve(false);
      waiting.clear();
      const running = child;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => running.kill('SIGKILL'), graceMs);
        running.once('exit', () => {
          clearTimeout(timer);
          resolve();
        });
        running.kill('SIGTERM');
      });
    },
  };
}

function readLine(text: string): Record<string, unknown> {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null) return line as Record<string, unknown>;
  } catch {
    // Not a JSON line: kept as text.
  }
  return { event: 'output', text: text.slice(0, 500) };
}
