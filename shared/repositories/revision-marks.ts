/**
 * The newest revision of each key's row that this process has seen, so that an older one that is put back is noticed although its seal holds (threat T-05,
 * docs/adr/0039). Key rows only: other rows are removed and made again, and begin at revision 1 then. A replica can be made again under its id: its time
 * of creation comes before the revision.
 */
import type { Item, ItemKey } from '#shared/ports/record-store.ts';
import { Hints } from './hints.ts';

interface Mark {
  readonly createdAt: number;
  readonly rev: number;
}

const isKeyRow = ({ table, pk, sk }: ItemKey): boolean => table === 'core' && sk === 'META' && pk.startsWith('KEY#');
const markOf = ({ rev, body }: Item): Mark => ({ createdAt: Number(body.createdAt), rev });
const isOlder = (a: Mark, b: Mark): boolean => a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.rev < b.rev);

export class RevisionMarks {
  readonly #marks = new Hints<Mark>();

  /** Take it before a read begins: what a strongly consistent read gives is at least as new as what was seen before it. */
  before(key: ItemKey): Mark | undefined {
    return isKeyRow(key) ? this.#marks.get(key.pk) : undefined;
  }

  isPutBack(item: Item, before: Mark | undefined): boolean {
    return before !== undefined && isOlder(markOf(item), before);
  }

  /** Precondition: the row's seal holds, or this process wrote it. Otherwise who writes a high revision would lock the key's own rows out. */
  note(item: Item): void {
    if (!isKeyRow(item)) return;
    const known = this.#marks.get(item.pk);
    const mark = markOf(item);
    if (known === undefined || isOlder(known, mark)) this.#marks.set(item.pk, mark);
  }
}
