import { Worker } from 'node:worker_threads';
import { type JobName, jobs } from '../driver/jobs.ts';
import { answerTags, failureOf, JobFailure } from './answer.ts';
import { type Bell, createBell, takeRung, untilRung, wakeListener } from './bell.ts';
import { createMailbox, jobBytesMax, wakeWorker } from './mailbox.ts';
import { packetBytes, readPacket, writePacket } from './packet.ts';
import { RingReader, RingWriter } from './ring.ts';
import type { WorkerSetup } from './worker.ts';

export interface LaneOptions {
  readonly name: string;
  readonly workers: number;
  /** Jobs that wait while every worker is full. */
  readonly queueMax: number;
  /** Jobs given to one worker at a time. */
  readonly depth: number;
  readonly setup: WorkerSetup;
  /** Jobs of some microseconds, better done by one thread that is awake than by two that must be woken. Empty where the HSM is across a network. */
  readonly quick: ReadonlySet<JobName>;
  /** What the threads run; a test has its own. */
  readonly script?: URL;
  /** The dead worker's sessions live on in the process: close them, and forget what they own. */
  readonly onWorkerLost: (sessions: readonly Uint8Array[], reason: string) => void;
  /** How long a job waited until a worker began with it, in ms. */
  readonly onDone?: (waitedMs: number) => void;
}

interface Job {
  readonly name: JobName;
  readonly fields: readonly Uint8Array[];
  readonly deadlineAt: number;
  readonly arrivedAt: number;
  readonly resolve: (fields: Buffer[]) => void;
  readonly reject: (error: JobFailure) => void;
  attempts: number;
  placedAt: number;
}

interface Thread {
  readonly worker: Worker;
  readonly requests: RingWriter;
  readonly answers: RingReader;
  readonly wake: Int32Array;
  readonly inFlight: Map<number, Job>;
  sessions: readonly Uint8Array[];
  ready: boolean;
  /** Jobs in flight that are not quick. */
  slowJobs: number;
  /** When its last answer was seen: jobs of one worker run one after another. */
  settledAt: number;
}

const jobTags = new Map(Object.keys(jobs).map((name, tag) => [name as JobName, tag]));
/** A job is tried on at most this many workers: one that kills them must not kill them all. */
const attemptsMax = 2;
const respawnAfterMs = 100;
/** A worker keeps next to nothing; a small nursery stays in the processor's cache. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 };
const ringBytesPerJob = 8 * 1024;
const ringBytesMin = 128 * 1024;

/** A pool of worker threads with a bounded queue. Every job gets exactly one answer: a result, a failure, or `worker-lost`. */
export class Lane {
  readonly #options: LaneOptions;
  /** By number, which the one that replaces a lost one takes over. */
  readonly #threads: Thread[] = [];
  readonly #queue: Job[] = [];
  readonly #bell: Bell;
  readonly #toWake = new Set<Thread>();
  #nextId = 1;
  #closed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#bell = createBell(options.workers);
  }

  /** Resolves when every worker has its sessions. */
  async start(): Promise<void> {
    void untilRung(this.#bell).then(this.#listen);
    await Promise.all(Array.from({ length: this.#options.workers }, (_, number) => this.#spawn(number)));
  }

  /** @param deadlineAt performance.now() time after which the job need not start. */
  run(name: JobName, fields: readonly Uint8Array[], deadlineAt: number): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      const job: Job = { name, fields, deadlineAt, arrivedAt: performance.now(), resolve, reject, attempts: 0, placedAt: 0 };
      if (packetBytes(fields) > jobBytesMax) {
        reject(new JobFailure('internal', 'the job is too long'));
        return;
      }
      if (this.#queue.length === 0 && this.#place(job)) return;
      if (this.#queue.length >= this.#options.queueMax || this.#closed) reject(new JobFailure('queue-full', `the ${this.#options.name} lane is full`));
      else this.#queue.push(job);
    });
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Share of the workers that have a job. */
  get busyPercent(): number {
    const busy = this.#threads.filter(({ inFlight }) => inFlight.size > 0).length;
    return (100 * busy) / this.#options.workers;
  }

  /** Sessions that workers replaced since the last call. */
  takeReopened(): number {
    return this.#threads.reduce((sum, { wake }) => sum + Atomics.exchange(wake, 2, 0), 0);
  }

  /** Ends the threads. Jobs still running get `worker-lost`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(new JobFailure('worker-lost', 'the bridge is stopping'));
    await Promise.all(this.#threads.map((thread) => thread.worker.terminate()));
  }

  /** @returns false when every worker is full. */
  #place(job: Job): boolean {
    const quick = this.#options.quick.has(job.name);
    const thread = this.#choose(quick);
    if (thread === undefined) return false;
    const id = this.#nextId++ >>> 0;
    const tag = jobTags.get(job.name) as number;
    if (!thread.requests.write(packetBytes(job.fields), (target, at) => writePacket(target, at, id, tag, job.fields))) return false;
    job.attempts++;
    job.placedAt = performance.now();
    thread.inFlight.set(id, job);
    if (!quick) thread.slowJobs++;
    this.#toWake.add(thread);
    if (this.#toWake.size === 1) setImmediate(() => this.#wake());
    return true;
  }

  /** The least busy worker; for a quick job the first that has nothing slow before it. */
  #choose(quick: boolean): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of this.#threads) {
      const { size } = thread.inFlight;
      if (!thread.ready || size >= this.#options.depth) continue;
      if (size === 0 || (quick && thread.slowJobs === 0)) return thread;
      if (best === undefined || size < best.inFlight.size) best = thread;
    }
    return best;
  }

  /** Once per turn of the event loop: waking a thread costs more than most of its jobs. */
  #wake(): void {
    for (const { wake } of this.#toWake) wakeWorker(wake);
    this.#toWake.clear();
  }

  /** Once per turn of the event loop while answers come; then it sleeps until some worker rings. */
  readonly #listen = (): void => {
    if (this.#closed) return;
    let answers = 0;
    for (const number of takeRung(this.#bell)) answers += this.#settle(this.#threads[number] as Thread);
    this.#refill();
    this.#wake();
    if (answers > 0) setImmediate(this.#listen);
    else void untilRung(this.#bell).then(this.#listen);
  };

  /** @returns how many answers there were. */
  #settle(thread: Thread): number {
    const { onDone, quick } = this.#options;
    let answers = 0;
    for (let record = thread.answers.read(Buffer.allocUnsafeSlow); record !== undefined; record = thread.answers.read(Buffer.allocUnsafeSlow)) {
      const { id, tag, fields } = readPacket(record, 0);
      const job = thread.inFlight.get(id);
      if (job === undefined) continue;
      thread.inFlight.delete(id);
      answers++;
      onDone?.(Math.max(job.placedAt, thread.settledAt) - job.arrivedAt);
      if (!quick.has(job.name)) thread.slowJobs--;
      if (tag === answerTags.done) job.resolve(fields);
      else job.reject(failureOf(fields));
    }
    if (answers > 0) thread.settledAt = performance.now();
    return answers;
  }

  #refill(): void {
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      if (job.deadlineAt <= performance.now()) job.reject(new JobFailure('deadline', 'waited too long in the queue'));
      else if (!this.#place(job)) return;
      this.#queue.shift();
    }
  }

  #spawn(number: number): Promise<void> {
    const mailbox = createMailbox(Math.max(ringBytesMin, this.#options.depth * ringBytesPerJob), this.#bell, number);
    const worker = new Worker(this.#options.script ?? new URL('./worker.ts', import.meta.url), {
      workerData: { setup: this.#options.setup, mailbox },
      name: `hsm-${this.#options.name}`,
      resourceLimits,
    });
    const thread: Thread = {
      worker,
      requests: new RingWriter(mailbox.requests),
      answers: new RingReader(mailbox.answers),
      wake: mailbox.wake,
      inFlight: new Map(),
      sessions: [],
      ready: false,
      slowJobs: 0,
      settledAt: 0,
    };
    this.#threads[number] = thread;
    return new Promise((resolve, reject) => {
      let reason = 'exited';
      worker.on('error', (error: Error) => {
        reason = error.message;
      });
      worker.once('exit', () => {
        this.#lost(number, reason);
        reject(new JobFailure('worker-lost', reason));
      });
      worker.once('message', ({ ready }: { ready: Uint8Array[] }) => {
        thread.sessions = ready;
        thread.ready = true;
        resolve();
        this.#refill();
      });
    });
  }

  #lost(number: number, reason: string): void {
    const thread = this.#threads[number] as Thread;
    thread.ready = false;
    wakeListener(this.#bell);
    this.#settle(thread);
    const orphans = [...thread.inFlight.values()];
    thread.inFlight.clear();
    if (this.#closed) {
      for (const job of orphans) job.reject(new JobFailure('worker-lost', 'the bridge is stopping'));
      return;
    }
    this.#options.onWorkerLost(thread.sessions, reason);
    for (const job of orphans) {
      if (job.attempts >= attemptsMax) job.reject(new JobFailure('worker-lost', 'the worker died'));
      else this.#queue.unshift(job);
    }
    setTimeout(() => this.#spawn(number).catch(() => {}), respawnAfterMs).unref();
    this.#refill();
  }
}
