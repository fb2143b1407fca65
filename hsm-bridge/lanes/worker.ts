/** One thread with its own pkcs11js instance and sessions, making synchronous calls. It sleeps on shared memory and has no event loop to speak of. */
import { parentPort, workerData } from 'node:worker_threads';
import type { DomainKeys, Driver } from '../driver/driver.ts';
import { jobs } from '../driver/jobs.ts';
import { loadModule } from '../driver/module.ts';
import { PublicObjects } from '../driver/public-objects.ts';
import { Sessions } from '../driver/sessions.ts';
import { profiles } from '../profiles/index.ts';
import type { HsmProfile } from '../profiles/profile.ts';
import { answerTags, failureFields } from './answer.ts';
import { packetBytes, readPacket, writePacket } from './packet.ts';
import { type RingMemory, RingReader, RingWriter } from './ring.ts';

/** Structured clone turns Buffers into Uint8Arrays. */
export interface WorkerSetup {
  readonly modulePath: string;
  readonly profile: HsmProfile['name'];
  readonly domain: string;
  readonly slot: Uint8Array;
  readonly epochs: readonly { readonly [Name in keyof DomainKeys]: Name extends 'epoch' ? number : Uint8Array }[];
}

/** Shared with the main thread. */
export interface Mailbox {
  readonly requests: RingMemory;
  readonly answers: RingMemory;
  /** [0] changes with every request, and the worker sleeps on it; [1] is 1 while it sleeps, so that a wake-up is paid only then. */
  readonly wake: Int32Array;
  /** Changes with every answer of any worker of the lane; the main thread sleeps on it. */
  readonly bell: Int32Array;
}

type JobFunction = (driver: Driver, fields: Buffer[]) => Uint8Array[];

const jobFunctions: readonly JobFunction[] = Object.values(jobs);
const scratchBytes = 64 * 1024;
/** Only when the main thread does not read its answers. */
const answerRetryMs = 5;

function start(setup: WorkerSetup, { requests, answers, wake, bell }: Mailbox): void {
  const sessions = new Sessions(loadModule(setup.modulePath), profiles[setup.profile], Buffer.from(setup.slot));
  const driver: Driver = {
    sessions,
    publicObjects: new PublicObjects(),
    domain: setup.domain,
    epochs: setup.epochs.map(({ epoch, kek, mac, seed, audit }) => ({
      epoch,
      kek: Buffer.from(kek),
      mac: Buffer.from(mac),
      seed: Buffer.from(seed),
      audit: Buffer.from(audit),
    })),
  };
  parentPort?.postMessage({ ready: sessions.handles });
  const reader = new RingReader(requests);
  const writer = new RingWriter(answers);
  const scratch = Buffer.alloc(scratchBytes);
  const allocate = (length: number) => (length <= scratchBytes ? scratch.subarray(0, length) : Buffer.alloc(length));
  for (;;) {
    const seen = Atomics.load(wake, 0);
    for (let record = reader.read(allocate); record !== undefined; record = reader.read(allocate)) {
      answer(driver, record, writer, bell);
      record.fill(0);
      sessions.arena.wipe();
    }
    Atomics.store(wake, 1, 1);
    Atomics.wait(wake, 0, seen);
    Atomics.store(wake, 1, 0);
  }
}

function answer(driver: Driver, record: Buffer, writer: RingWriter, bell: Int32Array): void {
  const { id, tag, fields } = readPacket(record, 0);
  let result: Uint8Array[];
  let resultTag: number = answerTags.done;
  try {
    result = (jobFunctions[tag] as JobFunction)(driver, fields);
  } catch (error) {
    result = failureFields(error);
    resultTag = answerTags.failed;
  }
  while (!writer.write(packetBytes(result), (target, at) => writePacket(target, at, id, resultTag, result))) Atomics.wait(bell, 0, Atomics.load(bell, 0), answerRetryMs);
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0, 1);
}

if (parentPort !== null) {
  const { setup, mailbox } = workerData as { setup: WorkerSetup; mailbox: Mailbox };
  start(setup, mailbox);
}
