/** What the design asks of the figures (design, section 10). They hold for the machine that they are measured on: the row softhsm-raw says how fast that one is. */
import type { Measurement } from './measure.ts';

interface Budget {
  readonly row: string;
  readonly figure: 'opsPerSecond' | 'p50Ms' | 'p99Ms';
  /** Operations a second at least, milliseconds at most. */
  readonly limit: number;
}

const budgets: readonly Budget[] = [
  { row: 'policy/decision', figure: 'opsPerSecond', limit: 100_000 },
  { row: 'bridge/aes-gcm-4k/c64', figure: 'opsPerSecond', limit: 10_000 },
  { row: 'bridge/aes-gcm-4k/c64', figure: 'p99Ms', limit: 20 },
  { row: 'bridge-2ms/aes-gcm-32/c64', figure: 'opsPerSecond', limit: 10_000 },
  { row: 'node/encrypt-1k/c64', figure: 'opsPerSecond', limit: 4_000 },
  { row: 'node/encrypt-1k/c16', figure: 'p99Ms', limit: 15 },
  { row: 'lambda/data-plane-import', figure: 'p50Ms', limit: 60 },
];

/** One line for each budget of a row that was measured. */
export function budgetLines(results: readonly Measurement[]): readonly string[] {
  return budgets.flatMap(({ row, figure, limit }) => {
    const value = results.find(({ name }) => name === row)?.[figure];
    if (value === undefined) return [];
    const isHeld = figure === 'opsPerSecond' ? value >= limit : value <= limit;
    return [`${isHeld ? 'held  ' : 'missed'}  ${row}: ${figure} ${value}, budget ${limit}`];
  });
}
