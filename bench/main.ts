/**
 * npm run bench [-- section ...]: prints a table and which budgets were held, and writes bench/latest.json. Sections: raw, policy, bridge, latency, node, batch, lambda, memory.
 * Load generator, server, bridge and HSM share the machine's cores, so these are figures of the whole machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { benchBatch } from './batch.ts';
import { benchBridge } from './bridge.ts';
import { budgetLines } from './budgets.ts';
import { benchLambda } from './lambda.ts';
import { benchLatency } from './latency.ts';
import type { Measurement } from './measure.ts';
import { benchMemory } from './memory.ts';
import { benchNode } from './node.ts';
import { benchPolicy } from './policy.ts';
import { benchRaw } from './raw.ts';

const sections: Record<string, (report: (measurement: Measurement) => void) => Promise<void>> = {
  raw: benchRaw,
  policy: benchPolicy,
  bridge: benchBridge,
  latency: benchLatency,
  node: benchNode,
  batch: benchBatch,
  lambda: benchLambda,
  memory: benchMemory,
};

const asked = process.argv.slice(2).filter((name) => name !== '--');
const unknown = asked.find((name) => !Object.hasOwn(sections, name));
if (unknown !== undefined) {
  console.error(`There is no section ${unknown}. Sections: ${Object.keys(sections).join(', ')}.`);
  process.exit(2);
}

const results: Measurement[] = [];
console.log(`${'name'.padEnd(44)} ${'op/s'.padStart(9)} ${'p50 ms'.padStart(9)} ${'p99 ms'.padStart(9)} ${'errors'.padStart(7)}`);
const report = (measurement: Measurement) => {
  results.push(measurement);
  const { name, opsPerSecond, p50Ms, p99Ms, errors, notes = '' } = measurement;
  console.log(`${name.padEnd(44)} ${String(opsPerSecond).padStart(9)} ${String(p50Ms).padStart(9)} ${String(p99Ms).padStart(9)} ${String(errors).padStart(7)} ${notes}`);
};
for (const name of asked.length === 0 ? Object.keys(sections) : asked) await sections[name]!(report);

const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
const file = resolve(import.meta.dirname, 'latest.json');
mkdirSync(import.meta.dirname, { recursive: true });
writeFileSync(file, `${JSON.stringify({ measuredAt: new Date().toISOString(), machine, results }, null, 2)}\n`);
const lines = budgetLines(results);
if (lines.length > 0) console.log(`\nBudgets\n${lines.join('\n')}`);
console.log('\nWritten to bench/latest.json');
process.exit(0);
