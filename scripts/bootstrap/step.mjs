import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** A step that cannot be done; the message says what to install or to change. */
export class SetupFailed extends Error {}

/** One line per step that has work to do: what, and why. On standard error, so that standard output stays the program's. */
export const say = (line) => console.error(`[set-up] ${line}`);

/** Runs a step's command, its output on standard error. */
export function runStep(commandLine, { help, env = {} }) {
  const [command, ...args] = commandLine;
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, ...env } });
  if (result.status !== 0)
    throw new SetupFailed(`${commandLine.slice(0, 3).join(' ')} ${result.error ? `could not run (${result.error.code})` : `ended with ${result.status}`}. ${help}`);
}

/** Standard output of a command, or undefined when it is not there or fails. */
export function outputOf(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 });
  return result.status === 0 ? result.stdout.trim() : undefined;
}
