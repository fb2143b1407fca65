import type { Work } from './work.ts';

/**
 * IAM wildcards: `*` matches any run of characters, `?` exactly one. A compiled pattern holds them as two code units that are no characters, so that
 * a `*` which came in through a policy variable, or was written as `${*}`, stays a plain star.
 */
const anyRun = '\uFFFE';
const anyOne = '\uFFFF';

/** For the text of a policy: its `*` and `?` become wildcards. */
export const toPattern = (text: string): string => toLiteral(text).replaceAll('*', anyRun).replaceAll('?', anyOne);
/** For text that is to be matched as it stands. */
export const toLiteral = (text: string): string => (/[\uFFFE\uFFFF]/.test(text) ? text.replaceAll(/[\uFFFE\uFFFF]/g, '\uFFFD') : text);
export const isAnything = (pattern: string): boolean => pattern === anyRun;
export const hasWildcard = (pattern: string): boolean => pattern.includes(anyRun) || pattern.includes(anyOne);

/** Two pointers, so no pattern costs more than its length times the text's. @param pattern from toPattern @throws DecisionTooCostly */
export function matchesPattern(pattern: string, text: string, work: Work): boolean {
  const { left } = work;
  let steps = 0;
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    steps += 1;
    if (steps > left) break;
    const wanted = pattern[p];
    if (wanted === anyRun) {
      star = p;
      resume = t;
      p += 1;
    } else if (wanted !== undefined && (wanted === anyOne || wanted === text[t])) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      resume += 1;
      t = resume;
    } else break;
  }
  work.spend(steps);
  if (t < text.length) return false;
  while (pattern[p] === anyRun) p += 1;
  return p === pattern.length;
}

/** A test for one pattern, with short ways for the usual ones. */
export function compilePattern(pattern: string): (text: string, work: Work) => boolean {
  if (isAnything(pattern)) return () => true;
  if (!hasWildcard(pattern)) return (text) => text === pattern;
  const head = pattern.slice(0, -1);
  if (pattern.endsWith(anyRun) && !hasWildcard(head)) return (text) => text.startsWith(head);
  return (text, work) => matchesPattern(pattern, text, work);
}
