/**
 * npm start, npm test, npm run emulator, npm run bench: does all set-up that is missing, then runs the thing on Node 24.
 * Plain JavaScript without dependencies: it runs on any Node from 20 on, before anything is installed.
 */
import { join } from 'node:path';
import { ensureAwsCli } from './bootstrap/aws-cli.mjs';
import { ensureDependencies, findNode } from './bootstrap/dependencies.mjs';
import { ensureOpenSsl } from './bootstrap/openssl.mjs';
import { ensurePythonEnvironment } from './bootstrap/python.mjs';
import { run, runInForeground } from './bootstrap/run.mjs';
import { ensureSoftHsm } from './bootstrap/softhsm.mjs';
import { root, SetupFailed } from './bootstrap/step.mjs';
import { runTests } from './bootstrap/tests.mjs';

const [command, ...args] = process.argv.slice(2);

const commands = {
  start() {
    const node = prepare();
    process.env.NODE_COMPILE_CACHE ??= join(root, '.cache/compile');
    return runInForeground(node, [join(root, 'server/main.ts'), ...args], { tellsParentGone: true });
  },
  async test() {
    const node = prepare();
    ensureOpenSsl();
    ensurePythonEnvironment(node);
    ensureAwsCli();
    return runTests(node, args);
  },
  emulator() {
    const node = prepare();
    ensurePythonEnvironment(node);
    return runInForeground(node, [join(root, 'test/emulator/serve.ts'), ...args], { tellsParentGone: false });
  },
  bench() {
    const node = prepare();
    return run(node, [join(root, 'bench/main.ts'), ...args]);
  },
};

function prepare() {
  ensureDependencies();
  const node = findNode();
  ensureSoftHsm();
  process.env.PATH = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`;
  return node;
}

if (!Object.hasOwn(commands, command ?? '')) {
  console.error('usage: node scripts/bootstrap.mjs start|test|emulator|bench [arguments]');
  process.exit(2);
}
try {
  process.exitCode = await commands[command]();
} catch (error) {
  if (!(error instanceof SetupFailed)) throw error;
  console.error(`\nSet-up stopped: ${error.message}`);
  process.exitCode = 1;
}
