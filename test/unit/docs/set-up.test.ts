/** What the tests need and is not there makes the run fail, with what to do about it; nothing is skipped for it. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** @returns exit code and what was printed */
const run = (script: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<{ code: unknown; output: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env: environment }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }));
  });

test.each(['test', 'start'])('npm %s ends with 1 when the HSM library that the environment names is not there', async (command) => {
  const { code, output } = await run('scripts/bootstrap.mjs', [command], { ...process.env, CHATELAINE_PKCS11_MODULE: '/nowhere.so' });

  expect([code, output.trim()]).toEqual([1, expect.stringContaining('CHATELAINE_PKCS11_MODULE is /nowhere.so, and there is no such file.')]);
});

test('the emulator is not made up for when there is no Python', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-set-up-'));
  for (const name of ['scripts', 'test']) mkdirSync(join(folder, name));
  for (const file of ['scripts/python-venv.mjs', 'test/requirements.txt']) cpSync(file, join(folder, file));

  const { code, output } = await run(join(folder, 'scripts/python-venv.mjs'), [], { PATH: '' });

  expect([code, output]).toEqual([1, expect.stringContaining('The tests need Python')]);
  rmSync(folder, { recursive: true });
});
