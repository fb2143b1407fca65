/**
 * Makes .cache/venv, a Python virtual environment with what test/requirements.txt pins (the AWS emulator of the tests).
 * Plain JavaScript without dependencies, so that the bootstrap can run it on any Node from 20 on. A second run finds the work done.
 *
 *   node scripts/python-venv.mjs      prints the path of the environment's Python
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const requirements = join(root, 'test/requirements.txt');
const folder = join(root, '.cache/venv');
const stamp = join(folder, 'requirements.sha256');
const lock = join(root, '.cache/venv.lock');
const lockTimeoutMs = 5 * 60 * 1000;
const oldestMinor = 10;

/** Makes the environment when it is not there or not current, and answers the path of its Python. Throws an Error that says what to install. */
export function ensurePythonVenv(log = (/** @type {string} */ line) => console.error(line)) {
  const python = join(folder, 'bin/python');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (isCurrent(python, wanted)) return python;
  takeLock();
  try {
    if (isCurrent(python, wanted)) return python;
    log('Making .cache/venv: a Python environment with the AWS emulator that the tests use.');
    const base = findPython();
    rmSync(folder, { recursive: true, force: true });
    run(base, ['-m', 'venv', folder], venvHelp(base));
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', '--requirement', requirements], pipHelp());
    writeFileSync(stamp, wanted);
    return python;
  } finally {
    rmSync(lock, { force: true });
  }
}

function isCurrent(python, wanted) {
  return existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

/** Two test runs may start at once: the second waits for the first. */
function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  const deadline = Date.now() + lockTimeoutMs;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned()) rmSync(lock, { force: true });
    else if (Date.now() > deadline) throw new Error(`Another process has been making ${folder} for five minutes. If none is, delete ${lock}.`);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function isAbandoned() {
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    // The owner writes its id right after it makes the file.
    if (!owner) return Date.now() - statSync(lock).mtimeMs > 5000;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function findPython() {
  const names = ['python3', ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`)];
  const seen = [];
  for (const name of names) {
    const result = spawnSync(name, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' });
    if (result.status !== 0) continue;
    const version = result.stdout.trim();
    const [major, minor] = version.split('.').map(Number);
    if (major === 3 && minor >= oldestMinor) return name;
    seen.push(`${name} is ${version}`);
  }
  const found = seen.length === 0 ? 'there is none on the PATH' : seen.join(', ');
  throw new Error(
    `The tests need Python 3.${oldestMinor} or newer for the AWS emulator, but ${found}. Install it: apt-get install python3 python3-venv, dnf install python3, or brew install python.`,
  );
}

function venvHelp(python) {
  return `${python} could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv.`;
}

function pipHelp() {
  return 'pip could not install test/requirements.txt. It needs a Python package index: see the network, or PIP_INDEX_URL and pip.conf.';
}

function run(command, args, help) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trim().split('\n').slice(-15).join('\n');
  throw new Error(`${help}\n${command} ${args.slice(0, 3).join(' ')} said:\n${output}`);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log(ensurePythonVenv());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
