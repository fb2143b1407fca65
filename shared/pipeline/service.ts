/** Wires the adapters of a deployment (AWS or single node) into what the pipeline runs operations with. */
import type { Operation } from '#shared/operation.ts';
import { operations } from '#shared/operations/index.ts';
import type { AlarmSink, AuditSink } from '#shared/ports/audit-sink.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { Ports } from '#shared/ports/ports.ts';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { createEncryptionCounter } from '#shared/repositories/encryption-counter.ts';
import { createKeyEraser } from '#shared/repositories/eraser.ts';
import { createKeyLister } from '#shared/repositories/key-lister.ts';
import { createKeyReader, type KeyReader } from '#shared/repositories/key-reader.ts';
import { createUsageLog } from '#shared/repositories/last-usage.ts';
import { createMarkers, type Markers } from './markers.ts';

export interface Adapters {
  readonly store: RecordStore;
  readonly crypto: Crypto;
  readonly audit: AuditSink;
  readonly alarms: AlarmSink;
  readonly clock: Clock;
  /** `aws`, `aws-us-gov`, `aws-cn`. */
  readonly partition: string;
  /** Called after each committed change, so that the outbox is published at once. */
  readonly onCommit?: () => void;
}

export interface Service extends Adapters {
  readonly operations: ReadonlyMap<string, Operation>;
  readonly keyReader: KeyReader;
  readonly markers: Markers;
  /** Every port but the committer, which belongs to one request. */
  readonly ports: Omit<Ports, 'committer'>;
}

export function createService(adapters: Adapters): Service {
  const { crypto, store } = adapters;
  const usage = createUsageLog(store);
  return {
    ...adapters,
    operations: new Map(operations.map((operation) => [operation.name, operation])),
    keyReader: createKeyReader(adapters),
    markers: createMarkers({ crypto, now: () => adapters.clock.now() }),
    ports: {
      lister: createKeyLister(store),
      keyFactory: crypto,
      cipher: crypto,
      signer: crypto,
      mac: crypto,
      random: crypto,
      encryptionCounter: createEncryptionCounter(store),
      eraser: createKeyEraser(store),
      usage,
      lastUsage: usage,
    },
  };
}
