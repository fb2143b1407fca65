/** Closed-loop load: a fixed number of calls in flight, each starting when the one before it ends. */
export interface Measurement {
  readonly name: string;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly notes?: string;
}

export interface Load {
  readonly inFlight: number;
  readonly warmUpMs?: number;
  readonly durationMs?: number;
}

export async function measure(name: string, load: Load, call: () => Promise<unknown>): Promise<Measurement> {
  const { inFlight, warmUpMs = 700, durationMs = 2_500 } = load;
  await run(inFlight, warmUpMs, call);
  const { latencies, errors, elapsedMs } = await run(inFlight, durationMs, call);
  return summarise(name, latencies, errors, elapsedMs);
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
