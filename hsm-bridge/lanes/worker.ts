/** One thread with its own pkcs11js instance and sessions, making synchronous calls. */
import { parentPort, workerData } from 'node:worker_threads';
import type { DomainKeys, Driver } from '../driver/driver.ts';
import { type JobName, jobs } from '../driver/jobs.ts';
import { loadModule } from '../driver/module.ts';
import { PublicObjects } from '../driver/public-objects.ts';
import { Sessions } from '../driver/sessions.ts';
import { profiles } from '../profiles/index.ts';
import type { HsmProfile } from '../profiles/profile.ts';
import { answerTags, failureFields } from './answer.ts';
import { packetBytes, readPacket, writePacket } from './packet.ts';

/** Structured clone turns Buffers into Uint8Arrays. */
export interface WorkerSetup {
  readonly modulePath: string;
  readonly profile: HsmProfile['name'];
  readonly domain: string;
  readonly slot: Uint8Array;
  readonly epochs: readonly { readonly [Name in keyof DomainKeys]: Name extends 'epoch' ? number : Uint8Array }[];
}

export const jobNames = Object.keys(jobs) as JobName[];

/** An answer must not wait for a whole batch of slow jobs. */
const flushAfterMs = 0.5;

function start(port: NonNullable<typeof parentPort>, setup: WorkerSetup): void {
  const sessions = new Sessions(loadModule(setup.modulePath), profiles[setup.profile], Buffer.from(setup.slot));
  const driver: Driver = {
    sessions,
    publicObjects: new PublicObjects(),
    domain: setup.domain,
    epochs: setup.epochs.map(({ epoch, kek, mac, seed, audit }) => ({ epoch, kek: Buffer.from(kek), mac: Buffer.from(mac), seed: Buffer.from(seed), audit: Buffer.from(audit) })),
  };
  port.on('message', (batch: Uint8Array) => runBatch(port, driver, Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)));
  port.postMessage({ ready: sessions.handles });
}

function runBatch(port: NonNullable<typeof parentPort>, driver: Driver, batch: Buffer): void {
  let answers: { id: number; tag: number; fields: Uint8Array[] }[] = [];
  let since = performance.now();
  for (let at = 0; at < batch.length; ) {
    const packet = readPacket(batch, at);
    at = packet.next;
    try {
      answers.push({ id: packet.id, tag: answerTags.done, fields: jobs[jobNames[packet.tag] as JobName](driver, packet.fields) });
    } catch (error) {
      answers.push({ id: packet.id, tag: answerTags.failed, fields: failureFields(error) });
    }
    const now = performance.now();
    if (now - since > flushAfterMs && at < batch.length) {
      send(port, answers);
      answers = [];
      since = now;
    }
  }
  batch.fill(0);
  send(port, answers);
}

function send(port: NonNullable<typeof parentPort>, answers: readonly { id: number; tag: number; fields: Uint8Array[] }[]): void {
  const batch = Buffer.allocUnsafeSlow(answers.reduce((length, { fields }) => length + packetBytes(fields), 0));
  let at = 0;
  for (const { id, tag, fields } of answers) {
    at = writePacket(batch, at, id, tag, fields);
    for (const field of fields) field.fill(0);
  }
  port.postMessage(batch, [batch.buffer as ArrayBuffer]);
}

if (parentPort !== null) start(parentPort, workerData as WorkerSetup);
