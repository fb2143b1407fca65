/**
 * Preloaded into a child process (`node --import`): when the parent is gone, however it ended, the IPC channel closes and the child ends too.
 * It also keeps the compiled code of the child for its next start, whatever ends it.
 */
import { flushCompileCache } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const lastWordsMs = 2000;
const flushAfterMs = 3000;

if (isMainThread && process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.exit(0), lastWordsMs).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref();
  setTimeout(flushCompileCache, flushAfterMs).unref();
}
