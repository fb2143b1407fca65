/**
 * Every request names rows that requests before it named. Their keys are made once and given again, frozen, so that neither their text is built nor their
 * rules are checked twice (shared/ports/record-store-rules.ts). They hold ids and ARNs, never a secret. Bounded: when it is full, it begins anew.
 */
import type { ItemKey } from '#shared/ports/record-store.ts';

type Part = string | number;
type Branch = Map<Part, Branch | ItemKey>;

/** @param make a function of its parts alone, all of which are always given */
export function rememberRows<Parts extends readonly [...Part[], Part]>(make: (...parts: Parts) => ItemKey, keysMax = 10_000): (...parts: Parts) => ItemKey {
  let root: Branch = new Map();
  let count = 0;
  // By the function, not by what it is given: `map` gives more.
  const last = make.length - 1;
  return (...parts) => {
    let branch = root;
    for (let at = 0; at < last; at += 1) {
      let next = branch.get(parts[at]!) as Branch | undefined;
      if (next === undefined) {
        next = new Map();
        branch.set(parts[at]!, next);
      }
      branch = next;
    }
    const known = branch.get(parts[last]!) as ItemKey | undefined;
    if (known !== undefined) return known;
    const key = Object.freeze(make(...parts));
    count += 1;
    if (count > keysMax) {
      root = new Map();
      count = 0;
    } else branch.set(parts[last]!, key);
    return key;
  };
}
