/**
 * Runs the bridge as a child, so that an HSM that is away costs a restart of the process and never of the task (docs/adr/0029). Restarts it when the token
 * is gone, and when its event loop no longer answers; passes on the order to stop; ends as it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { exitCodes } from '../exit-codes.ts';

export interface SupervisorOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: () => Record<string, string>;
  readonly livezUrl: string;
  readonly drainDelayMs: number;
  /** Is there while the bridge waits for its HSM: the container's health check takes it for life. */
  readonly waitingFile: string;
  readonly log: (entry: Readonly<Record<string, unknown>>) => void;
  readonly onEnd: (code: number) => void;
}

/** The HSM may be back. Any other end is for the scheduler of tasks. */
const restartable: ReadonlySet<number> = new Set([exitCodes.tokenLost, exitCodes.tokenUnavailable]);
const pauseMaxMs = 30_000;
const livezEveryMs = 10_000;
const livezFailuresMax = 3;

export class Supervisor {
  readonly #options: SupervisorOptions;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #pauseMs = 1_000;
  #failures = 0;
  #wasAlive = false;
  #hung = false;
  #leaving = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  start(): void {
    const [program, ...args] = this.#options.command;
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: this.#options.environment() });
    this.#child = child;
    this.#failures = 0;
    this.#wasAlive = false;
    child.once('error', () => this.#options.onEnd(exitCodes.fault));
    child.once('exit', (code) => this.#ended(code));
    this.#watch ??= setInterval(() => void this.#check(), livezEveryMs).unref();
  }

  /** Tells the bridge that its certificates were replaced. */
  certificatesReplaced(): void {
    this.#child?.kill('SIGHUP');
  }

  /** Stops it after the load balancer has had time to look away. */
  stop(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#options.log({ event: 'stopping', inMs: this.#options.drainDelayMs });
    if (this.#child === undefined) {
      clearTimeout(this.#restart);
      this.#options.onEnd(exitCodes.drained);
    } else setTimeout(() => this.#child?.kill('SIGTERM'), this.#options.drainDelayMs);
  }

  #ended(code: number | null): void {
    this.#child = undefined;
    const again = !this.#leaving && (this.#hung || restartable.has(code ?? -1));
    this.#hung = false;
    if (!again) {
      this.#options.onEnd(code ?? exitCodes.fault);
      return;
    }
    writeFileSync(this.#options.waitingFile, '');
    this.#options.log({ event: 'bridge-restarts', code, inMs: this.#pauseMs });
    this.#restart = setTimeout(() => this.start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMaxMs);
  }

  async #check(): Promise<void> {
    if (this.#child === undefined) {
      writeFileSync(this.#options.waitingFile, '');
      return;
    }
    const alive = await fetch(this.#options.livezUrl, { signal: AbortSignal.timeout(5_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
    this.#failures = alive ? 0 : this.#failures + 1;
    if (alive) {
      this.#wasAlive = true;
      this.#pauseMs = 1_000;
      rmSync(this.#options.waitingFile, { force: true });
    } else if (!this.#wasAlive) writeFileSync(this.#options.waitingFile, '');
    else if (this.#failures >= livezFailuresMax && !this.#leaving) {
      this.#options.log({ event: 'bridge-hangs' });
      this.#hung = true;
      this.#child?.kill('SIGKILL');
    }
  }
}
