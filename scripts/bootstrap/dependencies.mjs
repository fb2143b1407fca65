/** node_modules as package-lock.json has it, its two native parts, and Node 24. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runStep, SetupFailed, say } from './step.mjs';

const modules = join(root, 'node_modules');
const lockFile = join(root, 'package-lock.json');
const stamp = join(modules, '.chatelaine-lock.sha256');
const nodeBinary = join(modules, 'node/bin/node');
const pkcs11Binary = join(modules, 'pkcs11js/build/Release/pkcs11.node');

const compiler =
  'It needs a C++ compiler, make and Python 3 (Debian and Ubuntu: apt-get install build-essential python3; Fedora: dnf install gcc-c++ make python3; macOS: xcode-select --install).';

/** The npm that started this, or the one on the PATH. */
function npm(...args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? [process.execPath, cli, ...args] : ['npm', ...args];
}

export function ensureDependencies() {
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (!isInstalled(wanted)) {
    say('npm ci: installs what package-lock.json pins (about a minute, once).');
    runStep(npm('ci', '--no-audit', '--no-fund', '--loglevel=error'), { help: `See the lines above: npm needs a package registry. ${compiler}` });
    writeFileSync(stamp, wanted);
  }
  // npm 12 skips install scripts that it was not told to allow, without an error.
  if (!existsSync(pkcs11Binary)) {
    say('npm rebuild pkcs11js: compiles the binding to the HSM, which npm did not do.');
    runStep(npm('rebuild', 'pkcs11js', '--foreground-scripts', '--loglevel=error'), { help: compiler });
    if (!existsSync(pkcs11Binary)) throw new SetupFailed(`The native part of pkcs11js was not built. ${compiler}`);
  }
}

function isInstalled(wanted) {
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === wanted;
  // A person ran npm ci or npm install: npm leaves this file last.
  const installed = join(modules, '.package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lockFile).mtimeMs) return false;
  writeFileSync(stamp, wanted);
  return true;
}

/** Node 24 as the dev dependency `node` brings it, else the running one when it is new enough. */
export function findNode() {
  if (!existsSync(nodeBinary)) {
    say('npm rebuild node: fetches Node 24 for this project, which npm did not do.');
    runStep(npm('rebuild', 'node', '--foreground-scripts', '--loglevel=error'), { help: 'Install Node 24 and run the command again with it.' });
  }
  if (existsSync(nodeBinary)) return nodeBinary;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new SetupFailed(
    `This needs Node 24, and the npm package that brings it does not support ${process.platform} ${process.arch}. Install Node 24 and run the command again with it.`,
  );
}
