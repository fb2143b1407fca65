import { Views } from '../driver/views.ts';
import { answerTags, failureFields } from './answer.ts';
import { type Bell, ring } from './bell.ts';
import { type Packet, packetBytes, readPacket, writePacket } from './packet.ts';
import { createRingMemory, type RingMemory, RingReader, RingWriter } from './ring.ts';

/** What one worker shares with the main thread. */
export interface Mailbox {
  readonly requests: RingMemory;
  readonly answers: RingMemory;
  /** [0] changes with every request, and the worker sleeps on it; [1] is 1 while it sleeps, so that a wake-up is paid only then; [2] counts sessions it replaced; nothing changes [3]. */
  readonly wake: Int32Array;
  /** Of all workers of the lane. */
  readonly bell: Bell;
  /** The worker's place in the lane. */
  readonly number: number;
}

/** Of all fields of one job. */
export const jobBytesMax = 60 * 1024;
/** Only when the main thread does not read its answers. */
const answerRetryMs = 5;

export function createMailbox(ringBytes: number, bell: Bell, number: number): Mailbox {
  return { requests: createRingMemory(ringBytes), answers: createRingMemory(ringBytes), wake: new Int32Array(new SharedArrayBuffer(16)), bell, number };
}

/** The main thread's side, after it wrote requests. */
export function wakeWorker(wake: Int32Array): void {
  Atomics.add(wake, 0, 1);
  if (Atomics.load(wake, 1) === 1) Atomics.notify(wake, 0, 1);
}

/** The worker's side: never returns. @param afterEach the answer was written; its memory may be wiped. */
export function serveMailbox({ requests, answers, wake, bell, number }: Mailbox, run: (tag: number, fields: Buffer[]) => Uint8Array[], afterEach: () => void): never {
  const reader = new RingReader(requests);
  const writer = new RingWriter(answers);
  const views = new Views(Buffer.alloc(jobBytesMax));
  const view = (start: number, length: number) => views.of(start, length);
  const allocate = (length: number) => view(0, length);
  for (;;) {
    const seen = Atomics.load(wake, 0);
    for (let record = reader.read(allocate); record !== undefined; record = reader.read(allocate)) {
      answer(readPacket(record, 0, view), run, writer, wake);
      ring(bell, number);
      record.fill(0);
      views.startAgain();
      afterEach();
    }
    Atomics.store(wake, 1, 1);
    Atomics.wait(wake, 0, seen);
    Atomics.store(wake, 1, 0);
  }
}

function answer({ id, tag, fields }: Packet, run: (tag: number, fields: Buffer[]) => Uint8Array[], writer: RingWriter, wake: Int32Array): void {
  let result: Uint8Array[];
  let resultTag: number = answerTags.done;
  try {
    result = run(tag, fields);
  } catch (error) {
    result = failureFields(error);
    resultTag = answerTags.failed;
  }
  while (!writer.write(packetBytes(result), (target, at) => writePacket(target, at, id, resultTag, result))) Atomics.wait(wake, 3, 0, answerRetryMs);
}
