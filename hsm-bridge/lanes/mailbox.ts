import { answerTags, failureFields } from './answer.ts';
import { packetBytes, readPacket, writePacket } from './packet.ts';
import { createRingMemory, type RingMemory, RingReader, RingWriter } from './ring.ts';

/** What one worker shares with the main thread. */
export interface Mailbox {
  readonly requests: RingMemory;
  readonly answers: RingMemory;
  /** [0] changes with every request, and the worker sleeps on it; [1] is 1 while it sleeps, so that a wake-up is paid only then; [2] counts sessions it replaced. */
  readonly wake: Int32Array;
  /** Changes with every answer of any worker of the lane; the main thread sleeps on it. */
  readonly bell: Int32Array;
}

const scratchBytes = 64 * 1024;
/** Only when the main thread does not read its answers. */
const answerRetryMs = 5;

export function createMailbox(ringBytes: number, bell: Int32Array): Mailbox {
  return { requests: createRingMemory(ringBytes), answers: createRingMemory(ringBytes), wake: new Int32Array(new SharedArrayBuffer(12)), bell };
}

/** The worker's side: never returns. @param afterEach the answer was written; its memory may be wiped. */
export function serveMailbox({ requests, answers, wake, bell }: Mailbox, run: (tag: number, fields: Buffer[]) => Uint8Array[], afterEach: () => void): never {
  const reader = new RingReader(requests);
  const writer = new RingWriter(answers);
  const scratch = Buffer.alloc(scratchBytes);
  const allocate = (length: number) => (length <= scratchBytes ? scratch.subarray(0, length) : Buffer.alloc(length));
  for (;;) {
    const seen = Atomics.load(wake, 0);
    for (let record = reader.read(allocate); record !== undefined; record = reader.read(allocate)) {
      answer(record, run, writer, bell);
      record.fill(0);
      afterEach();
    }
    Atomics.store(wake, 1, 1);
    Atomics.wait(wake, 0, seen);
    Atomics.store(wake, 1, 0);
  }
}

function answer(record: Buffer, run: (tag: number, fields: Buffer[]) => Uint8Array[], writer: RingWriter, bell: Int32Array): void {
  const { id, tag, fields } = readPacket(record, 0);
  let result: Uint8Array[];
  let resultTag: number = answerTags.done;
  try {
    result = run(tag, fields);
  } catch (error) {
    result = failureFields(error);
    resultTag = answerTags.failed;
  }
  while (!writer.write(packetBytes(result), (target, at) => writePacket(target, at, id, resultTag, result))) Atomics.wait(bell, 0, Atomics.load(bell, 0), answerRetryMs);
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0, 1);
}
