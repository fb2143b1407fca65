/** Stands in for the HSM worker: `random` answers its field, `canary` kills the thread, `sign` fails, `destroy` takes 50 ms. */
import { parentPort, workerData } from 'node:worker_threads';
import { jobs } from '#bridge/driver/jobs.ts';
import { HsmError } from '#bridge/driver/sessions.ts';
import { type Mailbox, serveMailbox } from '#bridge/lanes/mailbox.ts';

const names = Object.keys(jobs);
const pause = new Int32Array(new SharedArrayBuffer(4));

parentPort?.postMessage({ ready: [new Uint8Array([1])] });
serveMailbox(
  (workerData as { mailbox: Mailbox }).mailbox,
  (tag, fields) => {
    switch (names[tag]) {
      case 'canary':
        return process.exit(9);
      case 'sign':
        throw new HsmError('throttled', 'as asked');
      case 'destroy':
        Atomics.wait(pause, 0, 0, 50);
        return [];
      default:
        return fields;
    }
  },
  () => {},
);
