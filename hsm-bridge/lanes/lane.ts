import { Worker } from 'node:worker_threads';
import type { JobName } from '../driver/jobs.ts';
import { answerTags, failureOf, JobFailure } from './answer.ts';
import { packetBytes, readPacket, writePacket } from './packet.ts';
import { jobNames, type WorkerSetup } from './worker.ts';

export interface LaneOptions {
  readonly name: string;
  readonly workers: number;
  /** Jobs that wait while every worker is full. */
  readonly queueMax: number;
  /** Jobs given to one worker at a time: more than one lets a batch share a message. */
  readonly depth: number;
  readonly setup: WorkerSetup;
  /** The dead worker's sessions live on in the process: close them, and forget what they own. */
  readonly onWorkerLost: (sessions: readonly Uint8Array[], reason: string) => void;
}

interface Job {
  readonly name: JobName;
  readonly fields: readonly Uint8Array[];
  readonly deadlineAt: number;
  readonly resolve: (fields: Buffer[]) => void;
  readonly reject: (error: JobFailure) => void;
  attempts: number;
}

interface Thread {
  worker: Worker;
  sessions: readonly Uint8Array[];
  ready: boolean;
  readonly inFlight: Map<number, Job>;
  outbox: [number, Job][];
}

/** A job is tried on at most this many workers: one that kills them must not kill them all. */
const attemptsMax = 2;
const respawnAfterMs = 100;

/** A pool of worker threads with a bounded queue. Every job gets exactly one answer: a result, a failure, or `worker-lost`. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #threads = new Set<Thread>();
  readonly #queue: Job[] = [];
  #nextId = 1;
  #flushing = false;
  #closed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Resolves when every worker has its sessions. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.workers }, () => this.#spawn()));
  }

  get depth(): number {
    return this.#queue.length;
  }

  get threadIds(): number[] {
    return [...this.#threads].map((thread) => thread.worker.threadId);
  }

  /** @param deadlineAt performance.now() time after which the job need not start. */
  run(name: JobName, fields: readonly Uint8Array[], deadlineAt: number): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      const job: Job = { name, fields, deadlineAt, resolve, reject, attempts: 0 };
      if (!this.#place(job)) {
        if (this.#queue.length >= this.#options.queueMax) reject(new JobFailure('queue-full', `the ${this.#options.name} lane is full`));
        else this.#queue.push(job);
      }
    });
  }

  /** Ends the threads. Jobs still running get `worker-lost`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(new JobFailure('worker-lost', 'the bridge is stopping'));
    await Promise.all([...this.#threads].map((thread) => thread.worker.terminate()));
  }

  /** For tests of the replacement: ends one worker as a crash would. */
  async crashOne(): Promise<void> {
    const [thread] = this.#threads;
    await thread?.worker.terminate();
  }

  #place(job: Job): boolean {
    let best: Thread | undefined;
    for (const thread of this.#threads) if (thread.ready && thread.inFlight.size < (best?.inFlight.size ?? this.#options.depth)) best = thread;
    if (best === undefined) return false;
    job.attempts++;
    const id = this.#nextId++ >>> 0;
    best.inFlight.set(id, job);
    best.outbox.push([id, job]);
    if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => this.#flush());
    }
    return true;
  }

  /** One message per worker per turn of the event loop. */
  #flush(): void {
    this.#flushing = false;
    for (const thread of this.#threads) {
      if (thread.outbox.length === 0) continue;
      const batch = Buffer.allocUnsafeSlow(thread.outbox.reduce((length, [, { fields }]) => length + packetBytes(fields), 0));
      let at = 0;
      for (const [id, { name, fields }] of thread.outbox) at = writePacket(batch, at, id, jobNames.indexOf(name), fields);
      thread.outbox = [];
      thread.worker.postMessage(batch, [batch.buffer as ArrayBuffer]);
    }
  }

  #refill(): void {
    while (this.#queue.length > 0) {
      const job = this.#queue[0] as Job;
      if (job.deadlineAt <= performance.now()) {
        this.#queue.shift();
        job.reject(new JobFailure('deadline', 'waited too long in the queue'));
      } else if (this.#place(job)) this.#queue.shift();
      else return;
    }
  }

  #settle(thread: Thread, batch: Buffer): void {
    for (let at = 0; at < batch.length; ) {
      const { id, tag, fields, next } = readPacket(batch, at);
      at = next;
      const job = thread.inFlight.get(id);
      thread.inFlight.delete(id);
      if (tag === answerTags.done) job?.resolve(fields);
      else job?.reject(failureOf(fields));
    }
    this.#refill();
  }

  #spawn(): Promise<void> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: this.#options.setup, name: `hsm-${this.#options.name}` });
    const thread: Thread = { worker, sessions: [], ready: false, inFlight: new Map(), outbox: [] };
    this.#threads.add(thread);
    return new Promise((resolve, reject) => {
      let reason = 'exited';
      worker.on('error', (error: Error) => {
        reason = error.message;
      });
      worker.once('exit', () => {
        this.#lost(thread, reason);
        reject(new JobFailure('worker-lost', reason));
      });
      worker.on('message', (message: Uint8Array | { ready: Uint8Array[] }) => {
        if (message instanceof Uint8Array) return this.#settle(thread, Buffer.from(message.buffer, message.byteOffset, message.byteLength));
        thread.sessions = message.ready;
        thread.ready = true;
        resolve();
        this.#refill();
      });
    });
  }

  #lost(thread: Thread, reason: string): void {
    this.#threads.delete(thread);
    if (this.#closed) {
      for (const job of thread.inFlight.values()) job.reject(new JobFailure('worker-lost', 'the bridge is stopping'));
      return;
    }
    this.#options.onWorkerLost(thread.sessions, reason);
    for (const job of thread.inFlight.values()) {
      if (job.attempts >= attemptsMax) job.reject(new JobFailure('worker-lost', 'the worker died'));
      else this.#queue.unshift(job);
    }
    setTimeout(() => this.#spawn().catch(() => {}), respawnAfterMs).unref();
    this.#refill();
  }
}
