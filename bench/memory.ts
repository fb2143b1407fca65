/** Resident memory of the bridge before and after 200,000 operations on cached keys, once the heaps of its threads have grown to their size. */
import { readFileSync } from 'node:fs';
import { startTestBridge } from '#test/support/bridge.ts';
import { makeKey } from './keys.ts';
import type { Measurement } from './measure.ts';

const operations = 200_000;
/** V8 lets the young generation grow with the load until it has its largest size; on 2 cores that took 60,000 operations. */
const warmUp = 80_000;
const inFlight = 32;

export async function benchMemory(report: (measurement: Measurement) => void): Promise<void> {
  const bridge = await startTestBridge();
  try {
    const client = await bridge.client('admin');
    const keys = await Promise.all(Array.from({ length: 20 }, () => makeKey(client, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')));
    const plaintext = new Uint8Array(1024).fill(7);
    const run = async (count: number) => {
      let next = 0;
      const loop = async () => {
        for (let at = next++; at < count; at = next++) await client.encrypt({ key: keys[at % keys.length]!, algorithm: 'SYMMETRIC_DEFAULT', aad: new Uint8Array(68) }, plaintext);
      };
      await Promise.all(Array.from({ length: inFlight }, loop));
    };
    const started = residentMiB(bridge.pid);
    await run(warmUp);
    const before = residentMiB(bridge.pid);
    const startedAt = performance.now();
    await run(operations);
    const elapsedMs = performance.now() - startedAt;
    const after = residentMiB(bridge.pid);
    report({
      name: 'bridge/memory-200k-operations',
      opsPerSecond: Math.round((operations / elapsedMs) * 1000),
      p50Ms: 0,
      p99Ms: 0,
      errors: 0,
      notes: `resident ${started.toFixed(0)} MiB at the start, ${before.toFixed(0)} MiB after ${warmUp} operations, ${after.toFixed(0)} MiB after ${operations} more`,
    });
  } finally {
    await bridge.stop();
  }
}

/** Linux only: the field is in kB. */
function residentMiB(pid: number): number {
  const field = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(field) / 1024;
}
