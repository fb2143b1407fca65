/** Size of the data-plane bundle and the time to import it in a fresh process. */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Measurement } from './measure.ts';

const runs = 9;

export async function benchLambda(report: (measurement: Measurement) => void): Promise<void> {
  const root = resolve(import.meta.dirname, '..');
  execFileSync(process.execPath, [resolve(root, 'scripts/bundle.ts')], { stdio: 'ignore' });
  const bundle = resolve(root, 'dist/lambda/operation.mjs');
  if (!existsSync(bundle)) throw new Error('scripts/bundle.ts did not write dist/lambda/operation.mjs');
  const bytes = statSync(bundle).size;
  const code = `const a=performance.now();await import(${JSON.stringify(bundle)}).catch(()=>{});console.log(performance.now()-a)`;
  const times = Array.from({ length: runs }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env: { PATH: process.env.PATH } })),
  );
  times.sort((a, b) => a - b);
  report({
    name: 'lambda/operation-bundle-import',
    opsPerSecond: 0,
    p50Ms: times[Math.floor(runs / 2)]!,
    p99Ms: times.at(-1)!,
    errors: 0,
    notes: `${(bytes / 1000).toFixed(0)} kB minified`,
  });
}
