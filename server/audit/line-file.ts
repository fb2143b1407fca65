/**
 * An append-only file of lines, each batch durable before it counts (O_DSYNC). One writer. After a failed write the file is cut back to what was
 * acknowledged; after a crash the torn last line is moved to `<path>.torn`. Nothing here is asynchronous but the write itself.
 */
import { appendFileSync, closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, statSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const newline = 0x0a;
const tailBytes = 1024 * 1024;
const openFlags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC | constants.O_NOFOLLOW;

export interface LineFile {
  /** Opens the file when it is not open or was replaced. @returns its last complete lines when it was opened now. @throws Error with a system code */
  ready(): readonly string[] | undefined;
  /** Rejects when the lines are not durable; none of them is in the file then, as far as it can be cut back. Precondition: `ready` was called, one append at a time. */
  append(lines: Buffer): Promise<void>;
  close(): void;
}

export function createLineFile(path: string): LineFile {
  let file: number | undefined;
  let acknowledgedBytes = 0;

  const close = (): void => {
    if (file === undefined) return;
    const open = file;
    file = undefined;
    closeSync(open);
  };

  const isCurrent = (open: number): boolean => {
    const there = statSync(path, { throwIfNoEntry: false });
    const ours = fstatSync(open);
    return there !== undefined && there.ino === ours.ino && there.dev === ours.dev && ours.size === acknowledgedBytes;
  };

  const cutBack = (): void => {
    if (file === undefined) return;
    try {
      ftruncateSync(file, acknowledgedBytes);
    } catch {
      // The torn tail is dealt with at the next opening.
    }
    try {
      close();
    } catch {
      // The descriptor is gone either way.
    }
  };

  return {
    ready() {
      if (file !== undefined && isCurrent(file)) return undefined;
      close();
      const opened = openSync(path, openFlags, 0o600);
      try {
        const tail = settleTail(opened, path);
        syncDirectory(path);
        acknowledgedBytes = fstatSync(opened).size;
        file = opened;
        return tail;
      } catch (error) {
        closeSync(opened);
        throw error;
      }
    },
    append: (lines) =>
      new Promise((resolve, reject) => {
        if (file === undefined) {
          reject(new Error('the file is not open'));
          return;
        }
        const fail = (error: Error): void => {
          cutBack();
          reject(error);
        };
        write(file, lines, (error, written) => {
          if (error !== null) return fail(error);
          if (written !== lines.length) return fail(new Error('the write was cut short'));
          acknowledgedBytes += written;
          resolve();
        });
      }),
    close,
  };
}

/** Moves a torn last line aside. @returns the complete lines of the tail, oldest first */
function settleTail(file: number, path: string): string[] {
  const stat = fstatSync(file);
  if (!stat.isFile()) throw new Error('it is not a regular file');
  const start = Math.max(0, stat.size - tailBytes);
  const tail = Buffer.alloc(stat.size - start);
  readSync(file, tail, 0, tail.length, start);
  const end = tail.lastIndexOf(newline) + 1;
  if (end < tail.length) {
    appendFileSync(`${path}.torn`, Buffer.concat([tail.subarray(end), Buffer.from('\n')]), { mode: 0o600 });
    try {
      ftruncateSync(file, start + end);
    } catch {
      // An append-only inode (chattr +a) cannot be cut: end the torn line instead.
      writeSync(file, '\n');
    }
  }
  const lines = tail.subarray(0, end).toString('utf8').split('\n');
  return (start > 0 ? lines.slice(1) : lines).filter((line) => line !== '');
}

function syncDirectory(path: string): void {
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
