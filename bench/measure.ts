/** Closed-loop load: a fixed number of calls in flight, each starting when the one before it ends. */
export interface Measurement {
  readonly name: string;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  /** What one operation costs, all processes together. */
  readonly cpuMsEach?: number;
  readonly notes?: string;
}

export interface Load {
  readonly inFlight: number;
  readonly warmUpMs?: number;
  readonly durationMs?: number;
}

/** @param cpuMs what was spent so far; the measurement then notes what an operation costs */
export async function measure(name: string, load: Load, call: () => Promise<unknown>, cpuMs?: () => number): Promise<Measurement> {
  const { inFlight, warmUpMs = 700, durationMs = 2_500 } = load;
  await run(inFlight, warmUpMs, call);
  const before = cpuMs?.() ?? 0;
  const { latencies, errors, elapsedMs } = await run(inFlight, durationMs, call);
  const measured = summarise(name, latencies, errors, elapsedMs);
  if (cpuMs === undefined) return measured;
  const cpuMsEach = (cpuMs() - before) / latencies.length;
  return { ...measured, cpuMsEach, notes: `${cpuMsEach.toFixed(2)} ms CPU each` };
}

/**
 * Before the first measurement of a section. V8 compiles what runs often, and each thread does so for itself: until then an operation costs two to three
 * times as much, which says how a process starts and not what it can do.
 */
export async function warmUp(inFlight: number, calls: number, call: () => Promise<unknown>): Promise<void> {
  let left = calls;
  const loop = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
}

async function run(inFlight: number, durationMs: number, call: () => Promise<unknown>) {
  const latencies: number[] = [];
  let errors = 0;
  const startedAt = performance.now();
  const stopAt = startedAt + durationMs;
  const loop = async () => {
    for (let at = performance.now(); at < stopAt; ) {
      try {
        await call();
      } catch {
        errors += 1;
      }
      const now = performance.now();
      latencies.push(now - at);
      at = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  return { latencies, errors, elapsedMs: performance.now() - startedAt };
}

export function summarise(name: string, latencies: number[], errors: number, elapsedMs: number): Measurement {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const round = (value: number, digits = 3) => Number(value.toFixed(digits));
  return { name, opsPerSecond: round(((latencies.length - errors) / elapsedMs) * 1000, 0), p50Ms: round(at(0.5)), p99Ms: round(at(0.99)), errors };
}
