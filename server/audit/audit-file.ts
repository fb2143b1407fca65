/**
 * The audit trail of the single node: one JSON record per line. Records that arrive while a batch is being written form the next batch, so one
 * disk flush serves many requests. A record counts only once it is durable; when it cannot be made so, `append` rejects (design section 8).
 */
import type { AuditRecord } from '#shared/audit/audit-record.ts';
import type { AuditSink } from '#shared/ports/audit-sink.ts';
import { createLineFile } from './line-file.ts';

export interface AuditFile extends AuditSink {
  /** The error of the last batch, until one succeeds. */
  readonly problem: string | undefined;
  /** Waits for what was appended, then closes. */
  close(): Promise<void>;
}

interface Entry {
  readonly eventId: string;
  readonly line: string;
  resolve(): void;
  reject(error: Error): void;
}

const queueMax = 10_000;
const batchBytesMax = 1024 * 1024;
/** Deliveries repeat an event within seconds of a crash: this many records remember it. */
const recentMax = 10_000;

/**
 * Opens the file at once; when that fails it is tried again with each append.
 * @param onDurable sees each record once, after it is durable
 */
export function createAuditFile(path: string, onDurable: (record: AuditRecord) => void = () => {}): AuditFile {
  const file = createLineFile(path);
  const recent = createRecentIds(recentMax);
  const pending = new Map<string, Promise<void>>();
  let queue: Entry[] = [];
  let pumping: Promise<void> | undefined;
  let problem: string | undefined;
  let closed = false;

  const open = (): void => {
    for (const line of file.ready() ?? []) recent.add(eventIdOf(line));
  };
  const describe = (error: unknown): string => (error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown');

  const writeBatch = async (batch: readonly Entry[]): Promise<void> => {
    try {
      open();
      await file.append(Buffer.from(batch.map((entry) => entry.line).join('')));
    } catch (error) {
      problem = describe(error);
      for (const entry of batch) entry.reject(new Error(`The audit record could not be written: ${problem}`, { cause: error }));
      return;
    }
    problem = undefined;
    for (const entry of batch) {
      recent.add(entry.eventId);
      entry.resolve();
    }
  };

  const pump = async (): Promise<void> => {
    // One turn of the event loop, so that requests that finish together share a flush.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      const batch = takeBatch(queue);
      queue = queue.slice(batch.length);
      await writeBatch(batch);
    }
    pumping = undefined;
  };

  try {
    open();
  } catch (error) {
    problem = describe(error);
  }

  return {
    get problem() {
      return problem;
    },
    append(record) {
      if (closed) return Promise.reject(new Error('The audit file is closed.'));
      if (recent.has(record.eventId)) return Promise.resolve();
      const underWay = pending.get(record.eventId);
      if (underWay !== undefined) return underWay;
      if (queue.length >= queueMax) return Promise.reject(new Error('Too many audit records wait to be written.'));
      const appended = new Promise<void>((resolve, reject) => {
        queue.push({ eventId: record.eventId, line: `${JSON.stringify(record)}\n`, resolve, reject });
      }).then(
        () => {
          pending.delete(record.eventId);
          onDurable(record);
        },
        (error: unknown) => {
          pending.delete(record.eventId);
          throw error;
        },
      );
      pending.set(record.eventId, appended);
      pumping ??= pump();
      return appended;
    },
    async close() {
      closed = true;
      await pumping;
      file.close();
    },
  };
}

function takeBatch(queue: readonly Entry[]): readonly Entry[] {
  let bytes = 0;
  const end = queue.findIndex((entry) => {
    bytes += entry.line.length;
    return bytes > batchBytesMax;
  });
  return end < 0 ? queue : queue.slice(0, Math.max(1, end));
}

function eventIdOf(line: string): string {
  return /"eventId":"([0-9A-Za-z-]{1,64})"/.exec(line)?.[1] ?? '';
}

function createRecentIds(max: number): { has(id: string): boolean; add(id: string): void } {
  const ids = new Set<string>();
  /** In the order of their coming: to find its first entry, a Set passes over the gaps of all that were deleted. */
  const ring: string[] = [];
  let next = 0;
  return {
    has: (id) => ids.has(id),
    add(id) {
      if (id === '' || ids.has(id)) return;
      const oldest = ring[next];
      if (oldest !== undefined) ids.delete(oldest);
      ids.add(id);
      ring[next] = id;
      next = (next + 1) % max;
    },
  };
}
