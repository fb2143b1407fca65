import { expect, test } from 'vitest';
import type { Alarm, AuditRecord } from '#shared/audit/audit-record.ts';
import { errorTable } from '#shared/errors.ts';
import { outcomes } from '#shared/metrics/dimensions.ts';
import { countAlarms, countAuditSinks, measureCrypto, outcomeClass } from '#shared/metrics/measured.ts';
import { MetricRecorder } from '#shared/metrics/metric-recorder.ts';
import { type Crypto, CryptoError } from '#shared/ports/crypto.ts';

const taken = (recorder: MetricRecorder) => recorder.take().map(({ name, values, dimensions }) => [name, values[0], ...Object.values(dimensions)]);

test('every error has an outcome; a fault is what the caller cannot help', () => {
  for (const code of Object.keys(errorTable)) expect(outcomes).toContain(outcomeClass(code));
  expect(
    [undefined, 'AccessDeniedException', 'ThrottlingException', 'KMSInvalidStateException', 'ValidationException', 'DependencyTimeoutException', 'NoSuchThing'].map(outcomeClass),
  ).toEqual(['success', 'denied', 'throttled', 'conflict', 'invalid', 'fault', 'fault']);
});

test('alarms are counted by what they are about, and raised', () => {
  const recorder = new MetricRecorder();
  const raised: string[] = [];
  const alarms = countAlarms({ raise: ({ kind }: Alarm) => void raised.push(kind) }, recorder);
  const kinds: Alarm['kind'][] = ['seal-broken', 'material-refused', 'audit-unavailable', 'sweep-failed'];

  for (const kind of kinds) alarms.raise({ eventId: 'e', time: 't', kind, message: 'm', resource: 'arn:aws:kms:eu-west-1:111122223333:key/x' });

  expect(raised).toEqual(kinds);
  expect(taken(recorder)).toEqual([
    ['TamperedRows', 1, 'seal-broken'],
    ['TamperedRows', 1, 'material-refused'],
    ['AnswersWithheld', 1],
  ]);
});

test('the fall-back for audit records is counted when it was used, and when it failed too', async () => {
  const recorder = new MetricRecorder();
  const down = { append: () => Promise.reject(new Error('down')) };
  const [first, second] = countAuditSinks([down, { append: () => Promise.resolve() }], recorder);

  await expect(first!.append({} as AuditRecord)).rejects.toThrow('down');
  await second!.append({} as AuditRecord);

  expect(taken(recorder)).toEqual([
    ['AuditAppendFailures', 1, 'first'],
    ['AuditFallbackUsed', 1],
  ]);
});

test('a call of the bridge is counted with its end and its time, and ends as it would have', async () => {
  const recorder = new MetricRecorder();
  let now = 0;
  const bridge = {
    generateRandom: async () => {
      now += 12;
      return new Uint8Array(1);
    },
    checkSeals: () => Promise.reject(new CryptoError('busy', 'full')),
  } as unknown as Crypto;
  const measured = measureCrypto(bridge, recorder, () => now);

  await expect(measured.generateRandom(1)).resolves.toEqual(new Uint8Array(1));
  await expect(measured.checkSeals([])).rejects.toMatchObject({ code: 'busy' });

  expect(taken(recorder)).toEqual([
    ['BridgeCalls', 1, 'ok'],
    ['BridgeCallLatency', 12],
    ['BridgeCalls', 1, 'busy'],
  ]);
});
