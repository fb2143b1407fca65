/** One thread with its own pkcs11js instance and sessions, making synchronous calls. It sleeps on shared memory and has no event loop to speak of. */
import { parentPort, workerData } from 'node:worker_threads';
import type { DomainKeys, Driver } from '../driver/driver.ts';
import { jobs } from '../driver/jobs.ts';
import { loadModule } from '../driver/module.ts';
import { PublicObjects } from '../driver/public-objects.ts';
import { Sessions } from '../driver/sessions.ts';
import { profiles } from '../profiles/index.ts';
import type { HsmProfile } from '../profiles/profile.ts';
import { type Mailbox, serveMailbox } from './mailbox.ts';

/** Structured clone turns Buffers into Uint8Arrays. */
export interface WorkerSetup {
  readonly modulePath: string;
  readonly profile: HsmProfile['name'];
  readonly domain: string;
  readonly slot: Uint8Array;
  readonly epochs: readonly { readonly [Name in keyof DomainKeys]: Name extends 'epoch' ? number : Uint8Array }[];
}

function start(setup: WorkerSetup, mailbox: Mailbox): void {
  const sessions = new Sessions(loadModule(setup.modulePath), profiles[setup.profile], Buffer.from(setup.slot), () => void Atomics.add(mailbox.wake, 2, 1));
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
  serveMailbox(
    mailbox,
    (tag, fields) => (jobFunctions[tag] as JobFunction)(driver, fields),
    () => sessions.arena.wipe(),
  );
}

type JobFunction = (driver: Driver, fields: Buffer[]) => Uint8Array[];

const jobFunctions: readonly JobFunction[] = Object.values(jobs);

if (parentPort !== null) {
  const { setup, mailbox } = workerData as { setup: WorkerSetup; mailbox: Mailbox };
  start(setup, mailbox);
}
