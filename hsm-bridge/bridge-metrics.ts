/** What the bridge measures of itself, as lines of metrics on standard output: the log driver takes them to CloudWatch, the single node's server reads them. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { emfLines } from '#shared/metrics/emf.ts';
import { MetricRecorder } from '#shared/metrics/metric-recorder.ts';
import type { BridgeConfig } from './config.ts';
import type { Lane } from './lanes/lane.ts';
import type { ServerObserver } from './server/server.ts';

export interface MeasuredParts {
  readonly lanes: Readonly<Record<'fast' | 'slow', Pick<Lane, 'queued' | 'busyPercent' | 'takeReopened'>>>;
  readonly ready: () => boolean;
  readonly cachedKeys: () => number;
}

const dayMs = 86_400_000;

export class BridgeMetrics implements ServerObserver {
  readonly #recorder = new MetricRecorder();
  readonly #config: BridgeConfig['metrics'];
  /** Read again each time: certificates are replaced while the bridge runs. */
  readonly #files: Readonly<Record<'bridge' | 'authority', string>>;
  readonly #write: (text: string) => void;
  #clientEnds = Number.POSITIVE_INFINITY;
  #parts: MeasuredParts | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: BridgeConfig['metrics'], files: Readonly<Record<'bridge' | 'authority', string>>, write: (text: string) => void = (text) => void process.stdout.write(text)) {
    this.#config = config;
    this.#files = files;
    this.#write = write;
  }

  start(parts: MeasuredParts): void {
    this.#parts = parts;
    if (this.#config === undefined) return;
    this.#timer = setInterval(() => this.flush(), this.#config.everySeconds * 1000).unref();
  }

  /** Writes what is left. */
  stop(): void {
    clearInterval(this.#timer);
    this.flush();
  }

  jobDone(lane: 'fast' | 'slow', waitedMs: number): void {
    if (this.#config === undefined) return;
    this.#recorder.record('BridgeJobs', 1, { lane });
    this.#recorder.record('BridgeQueueWait', Math.max(0, waitedMs), { lane });
  }

  workerLost(): void {
    this.#recorder.record('WorkersLost', 1);
  }

  hsmFailed(cause: string): void {
    this.#recorder.record('HsmErrors', 1, { cause });
  }

  answered(result: string): void {
    this.#recorder.record('BridgeAnswers', 1, { result });
  }

  /** The one that ends first counts: one function with an old certificate is one that will fail. */
  connected(clientCertificateEndsAt: Date): void {
    this.#clientEnds = Math.min(this.#clientEnds, clientCertificateEndsAt.getTime());
  }

  flush(): void {
    const parts = this.#parts;
    const config = this.#config;
    if (parts === undefined || config === undefined) return;
    const now = Date.now();
    for (const [lane, { queued, busyPercent }] of Object.entries(parts.lanes)) {
      this.#recorder.record('BridgeQueueLength', queued, { lane });
      this.#recorder.record('BridgeBusyWorkers', busyPercent, { lane });
    }
    this.#recorder.record('SessionsReopened', parts.lanes.fast.takeReopened() + parts.lanes.slow.takeReopened());
    this.#recorder.record('BridgeReady', parts.ready() ? 1 : 0);
    this.#recorder.record('CachedKeys', parts.cachedKeys());
    for (const [certificate, endsAt] of Object.entries({ bridge: endOf(this.#files.bridge), authority: endOf(this.#files.authority), client: this.#clientEnds })) {
      this.#recorder.record('CertificateDaysLeft', (endsAt - now) / dayMs, { certificate });
    }
    this.#clientEnds = Number.POSITIVE_INFINITY;
    for (const line of emfLines(this.#recorder.take(), config.deployment, now)) this.#write(`${line}\n`);
  }
}

/** Not a number when it cannot be read: the server refuses such a file with a better reason, and the recorder drops the value. */
function endOf(path: string): number {
  try {
    return new X509Certificate(readFileSync(path)).validToDate.getTime();
  } catch {
    return Number.NaN;
  }
}
