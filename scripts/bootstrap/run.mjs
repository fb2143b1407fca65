import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { root } from './step.mjs';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const watchMs = 500;
/** After a signal that the child does not act on. */
const killAfterMs = 30_000;

/** Runs a command with this process's streams, passes signals on, and answers its exit code. */
export function run(command, args, { env = {}, stdio = 'inherit', onStart = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...env } });
    const forward = (signal) => {
      child.kill(signal);
      setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
    };
    for (const signal of signals) process.on(signal, forward);
    const stop = onStart(child);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      stop?.();
      for (const each of signals) process.off(each, forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/**
 * As `run`. With tellsParentGone the child has an IPC channel, whose end tells it that this process is gone; and this
 * process watches npm, which a harness may kill without a chance to pass that on.
 */
export function runInForeground(command, args, { tellsParentGone }) {
  return run(command, args, {
    stdio: ['inherit', 'inherit', 'inherit', ...(tellsParentGone ? ['ipc'] : [])],
    onStart(child) {
      const npm = process.env.npm_lifecycle_event ? npmAncestor() : undefined;
      if (npm === undefined) return undefined;
      const timer = setInterval(() => {
        if (!isRunning(npm)) child.kill('SIGTERM');
      }, watchMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  });
}

/** The nearest process above that is npm. There may be a shell in between. */
function npmAncestor() {
  let pid = process.ppid;
  for (let up = 0; up < 3 && pid > 1; up += 1) {
    try {
      if (/^npm|\/npm|npm-cli/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) return pid;
      // The command name, in parentheses, may hold anything: the parent's id is the second field after it.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    } catch {
      return process.ppid;
    }
  }
  return process.ppid;
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
