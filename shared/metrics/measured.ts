/** Wraps ports and answers so that what goes through them is counted. What is wrapped behaves as before. */
import { errorTable, type KmsErrorCode } from '#shared/errors.ts';
import type { AlarmSink, AuditSink } from '#shared/ports/audit-sink.ts';
import { type Crypto, CryptoError } from '#shared/ports/crypto.ts';
import type { Outcome } from './dimensions.ts';
import type { MetricSink } from './metric-sink.ts';

const byStatus: Readonly<Record<number, Outcome>> = { 403: 'denied', 404: 'not-found', 409: 'conflict', 412: 'dry-run', 429: 'throttled' };

export function outcomeClass(errorCode: string | undefined): Outcome {
  if (errorCode === undefined) return 'success';
  const status = Object.hasOwn(errorTable, errorCode) ? errorTable[errorCode as KmsErrorCode].restStatus : 500;
  return byStatus[status] ?? (status >= 500 ? 'fault' : 'invalid');
}

export interface AnsweredRequest {
  readonly operation: string | undefined;
  readonly errorCode: string | undefined;
  readonly keySpec?: string | undefined;
}

export function recordRequest(metrics: MetricSink, { operation, errorCode, keySpec = 'none' }: AnsweredRequest, latencyMs: number): void {
  const dimensions = { operation: operation ?? 'other', outcome: outcomeClass(errorCode), keySpec };
  metrics.record('Requests', 1, dimensions);
  metrics.record('RequestLatency', latencyMs, dimensions);
}

/** Alarms that are counted are raised as before. */
export function countAlarms<Sink extends AlarmSink>(alarms: Sink, metrics: MetricSink): Sink {
  return {
    ...alarms,
    raise(alarm) {
      if (alarm.kind === 'audit-unavailable') metrics.record('AnswersWithheld', 1);
      if (alarm.kind === 'seal-broken' || alarm.kind === 'material-refused') metrics.record('TamperedRows', 1, { alarm: alarm.kind });
      alarms.raise(alarm);
    },
  };
}

/** In the order in which they are tried. */
export function countAuditSinks(sinks: readonly AuditSink[], metrics: MetricSink): readonly AuditSink[] {
  return sinks.map((sink, at) => ({
    async append(record) {
      try {
        await sink.append(record);
        if (at > 0) metrics.record('AuditFallbackUsed', 1);
      } catch (error) {
        metrics.record('AuditAppendFailures', 1, { sink: at === 0 ? 'first' : 'fallback' });
        throw error;
      }
    },
  }));
}

/** @param now milliseconds, monotonic */
export function measureCrypto<Wrapped extends Crypto>(crypto: Wrapped, metrics: MetricSink, now: () => number): Wrapped {
  const measure = async (work: () => unknown): Promise<unknown> => {
    const startedMs = now();
    let result = 'ok';
    try {
      return await work();
    } catch (error) {
      result = error instanceof CryptoError ? error.code : 'internal';
      throw error;
    } finally {
      metrics.record('BridgeCalls', 1, { result });
      metrics.record('BridgeCallLatency', now() - startedMs);
    }
  };
  const methods = Object.entries(crypto as unknown as Record<string, (...given: unknown[]) => unknown>);
  return Object.fromEntries(methods.map(([name, method]) => [name, name === 'close' ? method : (...given: unknown[]) => measure(() => method(...given))])) as unknown as Wrapped;
}
