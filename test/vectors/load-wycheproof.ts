import { readFileSync } from 'node:fs';

export interface VectorCase {
  readonly tcId: number;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags: readonly string[];
  /** Hexadecimal members. */
  readonly [member: string]: unknown;
}
export interface VectorGroup {
  readonly tests: readonly VectorCase[];
  readonly [member: string]: unknown;
}

/** @throws Error when the file has no group or a group has no case: vectors that are not there prove nothing. */
export function loadWycheproof(name: string): readonly VectorGroup[] {
  const { testGroups } = JSON.parse(readFileSync(new URL(`data/wycheproof/${name}.json`, import.meta.url), 'utf8')) as { testGroups?: readonly VectorGroup[] };
  if (testGroups === undefined || testGroups.length === 0 || testGroups.some(({ tests }) => !(tests?.length > 0))) throw new Error(`${name} holds no vectors.`);
  return testGroups;
}

/** Bytes of a hexadecimal member. @throws Error when it is not there. */
export function bytesOf(from: VectorCase | VectorGroup, member: string): Buffer {
  const value = from[member];
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})*$/.test(value)) throw new Error(`the member ${member} is not hexadecimal`);
  return Buffer.from(value, 'hex');
}

/**
 * Runs `accepts` on every case and says where it disagrees. An `acceptable` case may go either way. Prints how many there were, because a file that
 * shrank would otherwise pass unseen.
 */
export function disagreements(name: string, accepts: (test: VectorCase, group: VectorGroup) => boolean): string[] {
  const wrong: string[] = [];
  const counts = { valid: 0, invalid: 0, acceptable: 0 };
  for (const group of loadWycheproof(name)) {
    for (const test of group.tests) {
      counts[test.result]++;
      const accepted = accepts(test, group);
      if (test.result !== 'acceptable' && accepted !== (test.result === 'valid')) wrong.push(`${name} ${test.tcId} ${test.result} [${test.flags.join(', ')}]`);
    }
  }
  if (counts.valid === 0 || counts.valid + counts.invalid + counts.acceptable === 0) throw new Error(`${name} has no valid case.`);
  console.log(`wycheproof ${name}: ${counts.valid} valid, ${counts.invalid} invalid, ${counts.acceptable} acceptable`);
  return wrong;
}
