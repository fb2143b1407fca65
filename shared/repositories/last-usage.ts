/**
 * When each key was last used for cryptography, for GetKeyLastUsage. One write per key, hour and process: the first use is written before its answer is
 * released, so that "never used" is true; later ones are remembered and written when the hour is over or the process ends in order. What is read is therefore never later
 * than the truth and at most an hour earlier. Not sealed: it decides nothing. The audit trail is the authority.
 */
import * as z from 'zod';
import type { Item, RecordStore } from '#shared/ports/record-store.ts';
import { maxWritesPerTransaction } from '#shared/ports/record-store-rules.ts';
import { toBody } from './records.ts';
import { lastUseRow } from './rows.ts';

interface KeyName {
  readonly region: string;
  readonly keyId: string;
}

export interface KeyUse {
  readonly operation: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the audit record. */
  readonly eventId: string;
  readonly requestId: string;
}

export interface UsageLog {
  /** Never rejects: a use that cannot be noted is still a use. */
  note(keys: readonly KeyName[], use: KeyUse): Promise<void>;
  /** Writes what is only remembered. */
  flush(): Promise<void>;
}

export interface UsageReader {
  last(key: KeyName): Promise<KeyUse | undefined>;
}

const writeEveryMs = 3_600_000;
const retryAfterMs = 60_000;
const entriesMax = 50_000;

const useSchema = z.strictObject({ operation: z.string(), at: z.int().min(0), eventId: z.string(), requestId: z.string() });

interface Entry {
  readonly key: KeyName;
  latest: KeyUse;
  /** The use that the row has. */
  writtenAt: number;
  nextWriteAt: number;
}

export function createUsageLog(store: Pick<RecordStore, 'getMany' | 'transact'>): UsageLog & UsageReader {
  const entries = new Map<string, Entry>();
  const nameOf = (key: KeyName): string => `${key.region}/${key.keyId}`;

  async function write(due: readonly Entry[]): Promise<void> {
    for (let at = 0; at < due.length; at += maxWritesPerTransaction) {
      const chunk = due.slice(at, at + maxWritesPerTransaction).map((entry) => ({ entry, use: entry.latest }));
      // Before the write, so that uses meanwhile do not write again.
      for (const { entry, use } of chunk) entry.nextWriteAt = use.at + writeEveryMs;
      try {
        await store.transact(chunk.map(({ entry, use }) => ({ put: lastUseItem(entry.key, use) })));
        for (const { entry, use } of chunk) entry.writtenAt = use.at;
      } catch {
        for (const { entry, use } of chunk) entry.nextWriteAt = use.at + retryAfterMs;
      }
    }
  }

  return {
    async note(keys, use) {
      const due: Entry[] = [];
      for (const key of new Map(keys.map((each) => [nameOf(each), each])).values()) {
        const known = entries.get(nameOf(key));
        if (known === undefined && entries.size >= entriesMax) entries.delete(entries.keys().next().value!);
        const entry = known ?? { key: { region: key.region, keyId: key.keyId }, latest: use, writtenAt: 0, nextWriteAt: 0 };
        if (known === undefined) entries.set(nameOf(key), entry);
        if (use.at >= entry.latest.at) entry.latest = use;
        if (use.at >= entry.nextWriteAt) due.push(entry);
      }
      await write(due);
    },
    flush: () => write([...entries.values()].filter((entry) => entry.latest.at > entry.writtenAt)),
    async last(key) {
      const [item] = await store.getMany([lastUseRow(key)]);
      const written = item === undefined ? undefined : useSchema.safeParse(item.body).data;
      const remembered = entries.get(nameOf(key))?.latest;
      return remembered !== undefined && (written === undefined || remembered.at >= written.at) ? remembered : written;
    },
  };
}

/** Unconditional: the last writer saw the later use, but for the difference of two clocks. */
const lastUseItem = (key: KeyName, use: KeyUse): Item => ({ ...lastUseRow(key), rev: 1, body: toBody(use) });
