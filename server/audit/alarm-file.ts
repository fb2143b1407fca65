/** Alarms: a line on standard output at once, and a line in `alarms.jsonl` that outlives it. */
import type { Alarm } from '#shared/audit/audit-record.ts';
import type { AlarmSink } from '#shared/ports/audit-sink.ts';
import type { Log } from '../log.ts';
import { createLineFile } from './line-file.ts';

export interface AlarmFile extends AlarmSink {
  close(): Promise<void>;
}

const waitingMax = 1000;

/** @param onRaised sees each alarm, whether or not the file can take it */
export function createAlarmFile(path: string, log: Log, onRaised: (alarm: Alarm) => void = () => {}): AlarmFile {
  const file = createLineFile(path);
  let waiting: string[] = [];
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    // First a turn, so that `writing` is set before it is cleared.
    await Promise.resolve();
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        file.ready();
        await file.append(Buffer.from(lines.join('')));
      } catch (error) {
        log.line({ event: 'alarm-file-unavailable', time: new Date().toISOString(), lost: lines.length, code: (error as NodeJS.ErrnoException).code });
      }
    }
    writing = undefined;
  };

  return {
    raise(alarm) {
      log.line({ event: 'alarm', ...alarm });
      onRaised(alarm);
      if (waiting.length >= waitingMax) return;
      waiting.push(`${JSON.stringify(alarm)}\n`);
      writing ??= write();
    },
    async close() {
      await writing;
      file.close();
    },
  };
}
