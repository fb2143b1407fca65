/**
 * One JSON line per event on standard output. Writes are gathered and made off the event loop, so that a slow reader delays no request; what
 * does not fit into the bounded queue is dropped and counted.
 */
import { write, writeSync } from 'node:fs';

export type LogLine = Readonly<Record<string, unknown>>;

export interface Log {
  line(line: LogLine): void;
  /** Plain text for people, in order with the lines. */
  text(text: string): void;
  /** Resolves when everything was written, or after the deadline. */
  flush(deadlineMs?: number): Promise<void>;
}

const queueCharactersMax = 4 * 1024 * 1024;
const retryMs = 10;

export function createLog(fileDescriptor = 1): Log {
  let queue = '';
  let dropped = 0;
  let rest: Buffer | undefined;
  let writing = false;
  let scheduled = false;
  let broken = false;

  const schedule = (): void => {
    if (scheduled || writing || broken) return;
    scheduled = true;
    setImmediate(pump);
  };

  const pump = (): void => {
    scheduled = false;
    if (writing || broken) return;
    if (rest === undefined) {
      if (queue === '') return;
      const note = dropped > 0 ? `${JSON.stringify({ event: 'log-lines-dropped', count: dropped })}\n` : '';
      rest = Buffer.from(queue + note);
      queue = '';
      dropped = 0;
    }
    writing = true;
    write(fileDescriptor, rest, (error, written) => {
      writing = false;
      if (error !== null && error.code !== 'EAGAIN') {
        // Nobody reads any more (EPIPE): serving goes on without a log.
        broken = true;
        return;
      }
      rest = error === null && written === rest!.length ? undefined : rest!.subarray(error === null ? written : 0);
      if (error !== null) setTimeout(pump, retryMs).unref();
      else pump();
    });
  };

  const add = (text: string): void => {
    if (broken) return;
    if (queue.length + text.length > queueCharactersMax) dropped += 1;
    else queue += text;
    schedule();
  };

  return {
    line: (line) => add(`${JSON.stringify(line)}\n`),
    text: (text) => add(`${text}\n`),
    async flush(deadlineMs = 500) {
      const deadline = Date.now() + deadlineMs;
      while (!broken && (writing || rest !== undefined || queue !== '') && Date.now() < deadline) {
        schedule();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  };
}

/** For the last words of a process that cannot go on. */
export function writeLastLine(line: LogLine): void {
  try {
    writeSync(2, `${JSON.stringify(line)}\n`);
  } catch {
    // Nowhere left to say it.
  }
}
