/** Reads rows for one request, each once, and holds those that decide to their seals. A broken seal raises an alarm and ends the request. */
import { newEventId } from '#shared/ids.ts';
import type { JsonObject } from '#shared/json.ts';
import type { AlarmSink } from '#shared/ports/audit-sink.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { Item, ItemKey, RecordStore } from '#shared/ports/record-store.ts';
import { itemName, maxKeysPerRead } from '#shared/ports/record-store-rules.ts';
import { RevisionMarks } from './revision-marks.ts';
import { SealChecker } from './seal.ts';

/** A row that decides was changed behind the service's back. The caller learns only that something failed inside. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

export interface RowSnapshot {
  /** Reads what was not read before, strongly consistent: one store request, or none. @throws SealBroken for an older row that was put back */
  load(keys: readonly ItemKey[]): Promise<void>;
  /** Precondition: it was loaded. Undefined: there is no such row. */
  get(key: ItemKey): Item | undefined;
  /** Reads a row's record once, however many references of a batch mean it. */
  read<Record>(item: Item, read: (item: Item) => Record): Record;
}

export interface RowReader {
  open(): RowSnapshot;
  /** @throws SealBroken */
  requireSeals(items: readonly (Item | undefined)[]): Promise<void>;
  /**
   * For what an index gave. Its positions are not sealed, so a row may stand in a list that is not its own. Whoever can write a row must not be able to
   * take the list from everybody: rows that do not hold are left out, each with an alarm.
   * @param own where the row is if it belongs into the list, by its sealed content; undefined if it does not
   */
  listed(items: readonly Item[], own: (body: JsonObject) => ItemKey | undefined): Promise<readonly Item[]>;
  /** After a commit: rows that are older than these are refused from now on. */
  noteWritten(items: readonly Item[]): void;
  /** For a row that must be there because another sealed row says so. @throws SealBroken */
  refuse(key: ItemKey): never;
}

const notSealed = 'A row that decides over access does not carry a valid seal: it was written by something other than this service.';

interface Adapters {
  readonly store: Pick<RecordStore, 'getMany'>;
  readonly crypto: Pick<Crypto, 'checkSeals'>;
  readonly alarms: AlarmSink;
  readonly clock: Clock;
}

export function createRowReader({ store, crypto, alarms, clock }: Adapters): RowReader {
  const seals = new SealChecker(crypto);
  const marks = new RevisionMarks();

  const raise = (key: ItemKey): void => {
    const now = clock.now();
    alarms.raise({ eventId: newEventId(now), time: new Date(now).toISOString(), kind: 'seal-broken', resource: `${key.pk} ${key.sk}`, message: notSealed });
  };
  const refuse = (key: ItemKey): never => {
    raise(key);
    throw new SealBroken(notSealed);
  };

  return {
    refuse,
    async requireSeals(items) {
      const present = [...new Set(items)].filter((item) => item !== undefined);
      const [broken] = await seals.broken(present);
      if (broken !== undefined) refuse(broken);
      for (const item of present) marks.note(item);
    },
    async listed(items, own) {
      const broken = new Set(await seals.broken(items));
      return items.filter((item) => {
        const row = broken.has(item) ? undefined : own(item.body);
        const belongs = row !== undefined && itemName(row) === itemName(item);
        if (belongs) marks.note(item);
        else raise(item);
        return belongs;
      });
    },
    open() {
      const rows = new Map<string, Item | undefined>();
      const records = new Map<Item, unknown>();
      return {
        async load(keys) {
          const missing = new Map<string, ItemKey>();
          for (const key of keys) {
            const name = itemName(key);
            if (!rows.has(name)) missing.set(name, key);
          }
          if (missing.size === 0) return;
          const names = [...missing.keys()];
          const wanted = [...missing.values()];
          const loadPart = async (start: number): Promise<void> => {
            const part = wanted.slice(start, start + maxKeysPerRead);
            const before = part.map((key) => marks.before(key));
            const items = await store.getMany(part);
            for (let position = 0; position < items.length; position += 1) {
              const item = items[position];
              if (item !== undefined && marks.isPutBack(item, before[position])) refuse(item);
              rows.set(names[start + position]!, item);
            }
          };
          // Nearly always one part.
          if (wanted.length <= maxKeysPerRead) return await loadPart(0);
          await Promise.all(Array.from({ length: Math.ceil(wanted.length / maxKeysPerRead) }, (_, at) => loadPart(at * maxKeysPerRead)));
        },
        get: (key) => rows.get(itemName(key)),
        read<Record>(item: Item, read: (item: Item) => Record): Record {
          if (!records.has(item)) records.set(item, read(item));
          return records.get(item) as Record;
        },
      };
    },
    noteWritten(items) {
      for (const item of items) marks.note(item);
    },
  };
}
