/** What the design asks of the figures (design, section 10). They hold for the machine that they are measured on: the row softhsm-raw says how fast that one is. */
import type { Measurement } from './measure.ts';

interface Budget {
  readonly row: string;
  readonly opsPerSecondMin?: number;
  readonly p50MsMax?: number;
  readonly p99MsMax?: number;
}

const budgets: readonly Budget[] = [
  { row: 'policy/decision', opsPerSecondMin: 100_000 },
  { row: 'bridge/aes-gcm-4k/c64', opsPerSecondMin: 10_000, p99MsMax: 20 },
  { row: 'bridge-2ms/aes-gcm-32/c64', opsPerSecondMin: 10_000 },
  { row: 'node/encrypt-1k/c64', opsPerSecondMin: 4_000 },
  { row: 'node/encrypt-1k/c16', p99MsMax: 15 },
  { row: 'lambda/data-plane-import', p50MsMax: 60 },
];

/** One line for each budget of a row that was measured. */
export function budgetLines(results: readonly Measurement[]): readonly string[] {
  return budgets.flatMap(({ row, opsPerSecondMin, p50MsMax, p99MsMax }) => {
    const measured = results.find(({ name }) => name === row);
    if (measured === undefined) return [];
    const line = (what: string, value: number, limit: number, isHeld: boolean) => `${isHeld ? 'held  ' : 'missed'}  ${row}: ${what} ${value}, budget ${limit}`;
    return [
      ...(opsPerSecondMin === undefined ? [] : [line('op/s', measured.opsPerSecond, opsPerSecondMin, measured.opsPerSecond >= opsPerSecondMin)]),
      ...(p50MsMax === undefined ? [] : [line('p50 ms', measured.p50Ms, p50MsMax, measured.p50Ms <= p50MsMax)]),
      ...(p99MsMax === undefined ? [] : [line('p99 ms', measured.p99Ms, p99MsMax, measured.p99Ms <= p99MsMax)]),
    ];
  });
}
