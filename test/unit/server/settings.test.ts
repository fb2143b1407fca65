import { expect, test } from 'vitest';
import { createEventBus } from '#server/event-bus.ts';
import { readSettings } from '#server/settings.ts';

test('an empty environment gives the documented contract', () => {
  expect(readSettings({}, '/home/me/chatelaine')).toMatchObject({
    dataDir: '/home/me/chatelaine/.chatelaine',
    host: '127.0.0.1',
    port: 4599,
    sweepSeconds: 15,
    auditFallbackDir: undefined,
  });
});

test('relative folders are below the working directory', () => {
  expect(readSettings({ CHATELAINE_DATA: 'data', CHATELAINE_AUDIT_FALLBACK: '/var/audit' }, '/srv')).toMatchObject({ dataDir: '/srv/data', auditFallbackDir: '/var/audit' });
});

test.each([
  ['CHATELAINE_PORT', '70000'],
  ['CHATELAINE_PORT', '-1'],
  ['CHATELAINE_PORT', '80.5'],
  ['CHATELAINE_PORT', '0x50'],
  ['CHATELAINE_SWEEP_SECONDS', 'often'],
  ['CHATELAINE_BRIDGE_WORKERS', '0'],
  ['CHATELAINE_ATTESTATION_ROOTS', 'AWS'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readSettings({ [name]: value }, '/')).toThrow(name);
});

test('a subscriber of the event bus that throws is reported and the others hear all the same', () => {
  const problems: string[] = [];
  const heard: string[] = [];
  const bus = createEventBus((problem) => problems.push(problem));
  bus.subscribe(() => {
    throw new TypeError('mine');
  });
  const leave = bus.subscribe((event) => heard.push(event.kind));
  const alarm = { eventId: 'e', time: 't', kind: 'sweep-failed', message: 'm' } as const;
  bus.publish({ kind: 'alarm', alarm });
  leave();
  bus.publish({ kind: 'alarm', alarm });
  expect([problems, heard]).toEqual([['TypeError', 'TypeError'], ['alarm']]);
});
