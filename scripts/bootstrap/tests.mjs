/** Types, then every test, then one closing line that scripts can read. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';
import { root, say } from './step.mjs';

const results = join(root, '.cache/vitest.json');

export async function runTests(node, args) {
  const started = Date.now();
  const bin = (name) => join(root, 'node_modules/.bin', name);
  say('tsc -b: checks the types and the import rules between folders.');
  const types = await run(node, [bin('tsc'), '-b']);
  if (types !== 0) {
    console.log('The types do not check: no test was run.\n0 passed, 1 failed');
    return types;
  }
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(results, { force: true });
  const code = await run(node, [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`, ...args]);
  const { passed, failed, skipped } = readResults();
  const seconds = Math.round((Date.now() - started) / 1000);
  if (passed + failed === 0) console.log('No test was run.');
  if (code !== 0 && failed === 0) console.log('No test failed, but the run did: see the errors above.');
  if (skipped > 0) console.log(`${skipped} tests were skipped, which counts as a failure here.`);
  console.log(`Tests and types took ${seconds} s.`);
  console.log(`${passed} passed, ${failed + skipped} failed`);
  return code !== 0 ? code : failed + skipped > 0 || passed === 0 ? 1 : 0;
}

function readResults() {
  if (!existsSync(results)) return { passed: 0, failed: 0, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(results, 'utf8'));
  // A file that could not be loaded has no tests of its own, but it failed.
  const brokenFiles = testResults.filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')).length;
  return { passed: numPassedTests, failed: numFailedTests + brokenFiles, skipped: numPendingTests + numTodoTests };
}
