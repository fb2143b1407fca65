/** What functions load at their start, and the time to import it in a fresh process. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { Measurement } from './measure.ts';

const runs = 9;
const bundles = ['data-plane', 'wire', 'operation'];

export async function benchLambda(report: (measurement: Measurement) => void): Promise<void> {
  const root = resolve(import.meta.dirname, '..');
  // In a process of its own, as `npm run bundle` does it: the bench needs the files and the sizes only.
  const sizes = execFileSync(process.execPath, [resolve(root, 'scripts/bundle.ts')], { encoding: 'utf8' });
  for (const name of bundles) {
    const size = new RegExp(`^${name} +([0-9.]+ KB)$`, 'm').exec(sizes)?.[1];
    if (size === undefined) throw new Error(`scripts/bundle.ts made no bundle ${name}.`);
    const code = `const a=performance.now();await import(${JSON.stringify(resolve(root, `dist/lambda/${name}.mjs`))}).catch(()=>{});console.log(performance.now()-a)`;
    const times = Array.from({ length: runs }, () =>
      Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env: { PATH: process.env.PATH } })),
    );
    times.sort((a, b) => a - b);
    report({
      name: `lambda/${name}-import`,
      opsPerSecond: 0,
      p50Ms: times[Math.floor(runs / 2)]!,
      p99Ms: times.at(-1)!,
      errors: 0,
      notes: `${size} minified, loaded at the start`,
    });
  }
}
