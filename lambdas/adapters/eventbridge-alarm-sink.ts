/** Alarms as events on the service's bus: best effort, because an alarm never decides over a request. */
import type { Alarm } from '#shared/audit/audit-record.ts';
import { alarmDetailType, eventSource } from '#shared/audit/event-names.ts';
import type { AlarmSink } from '#shared/ports/audit-sink.ts';
import { logLine } from '../log-line.ts';
import type { EventBridge } from './aws-services.ts';
import { repeatOnce } from './repeat-once.ts';

export interface FlushableAlarmSink extends AlarmSink {
  /** Waits for what was raised. A function that is frozen between requests would send it late or never. */
  flush(): Promise<void>;
}

export interface EventBridgeAlarmSinkOptions {
  readonly client: EventBridge;
  readonly busName: string;
  readonly timeoutMs?: number;
  /** An alarm that only the log has. */
  readonly onLost?: () => void;
}

const pendingMax = 100;

export function createEventBridgeAlarmSink({ client, busName, timeoutMs = 1000, onLost }: EventBridgeAlarmSinkOptions): FlushableAlarmSink {
  const pending = new Set<Promise<void>>();

  async function send(alarm: Alarm): Promise<void> {
    try {
      const entry = { EventBusName: busName, Source: eventSource, DetailType: alarmDetailType, Detail: JSON.stringify(alarm) };
      const answer = await repeatOnce(timeoutMs, (options) => client.send('PutEvents', { Entries: [entry] }, options));
      if (answer.FailedEntryCount !== 0) throw new Error('The event bus did not take an alarm.');
    } catch {
      onLost?.();
      logLine('error', { event: 'alarm-not-sent', kind: alarm.kind, eventId: alarm.eventId });
    }
  }

  return {
    raise(alarm) {
      // The log has every alarm, whatever becomes of the event.
      logLine('error', { event: 'alarm', kind: alarm.kind, eventId: alarm.eventId, requestId: alarm.requestId });
      if (pending.size >= pendingMax) return void onLost?.();
      const sending = send(alarm).finally(() => pending.delete(sending));
      pending.add(sending);
    },
    async flush() {
      await Promise.all(pending);
    },
  };
}
