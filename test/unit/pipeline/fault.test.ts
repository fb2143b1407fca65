import { expect, test } from 'vitest';
import { KmsError } from '#shared/errors.ts';
import { type Fault, reportFaults } from '#shared/pipeline/fault.ts';

const secret = 'attack at dawn';
const request = { operation: 'Encrypt', requestId: 'request-1' };

function reported(...failures: KmsError[]): Fault[] {
  const faults: Fault[] = [];
  reportFaults({ onFault: (fault) => void faults.push(fault) }, request, failures);
  return faults;
}
const internal = (cause: unknown): KmsError => new KmsError('KMSInternalException', 'It can be tried again.', { cause });

test('a fault names the operation, the request, the answer, and each error with its code and where it was thrown', () => {
  const cause = Object.assign(new TypeError('no'), { code: 'ECONNREFUSED' });

  const [fault] = reported(internal(new Error('wrapped', { cause })));

  expect(fault).toMatchObject({ ...request, errorCode: 'KMSInternalException' });
  expect(fault!.errors.map(({ name, code }) => [name, code])).toEqual([
    ['KmsError', 'KMSInternalException'],
    ['Error', undefined],
    ['TypeError', 'ECONNREFUSED'],
  ]);
  for (const { stack } of fault!.errors) expect(stack[0]).toMatch(/fault\.test\.ts:\d+:\d+/);
});

test.each([
  ['a message', () => new Error(secret)],
  ['a message of several lines', () => new Error(`first\n${secret}`)],
  ['a message with lines like frames', () => new Error(`first\n    at ${secret.replaceAll(' ', '_')} (/tmp/x.js:1:2)\nlast`)],
  ['a message that was changed later', () => Object.assign(new Error(`    at ${secret} (/tmp/x.js:1:2)`), { message: 'changed' })],
  ['a name', () => Object.assign(new Error('x'), { name: secret })],
  ['a code', () => Object.assign(new Error('x'), { code: `E ${secret}` })],
  ['a property', () => Object.assign(new Error('x'), { input: secret })],
  ['a stack of its own', () => Object.assign(new Error('x'), { stack: `Error: x\n    ${secret}\n    at eval (${secret}:1:1)` })],
  ['a cause that is no error', () => new Error('x', { cause: secret })],
])('nothing of %s gets into the log', (_, cause) => {
  const text = JSON.stringify(reported(internal(cause())));

  expect(text).not.toContain(secret);
  expect(text).not.toContain(secret.replaceAll(' ', '_'));
});

test('errors that cause each other end, and a stack is short', () => {
  const one = new Error('one');
  one.cause = new Error('two', { cause: one });

  const [fault] = reported(internal(one));

  expect(fault!.errors).toHaveLength(5);
  for (const { stack } of fault!.errors) expect(stack.length).toBeLessThanOrEqual(12);
});

test('what callers did wrong is no fault; the same fault of many items is told once', () => {
  const down = () => new KmsError('DependencyTimeoutException', 'Try again.', { cause: Object.assign(new Error('down'), { code: 'ETIMEDOUT' }) });

  const faults = reported(new KmsError('ValidationException', 'no'), down(), down(), internal(new Error('x')));

  expect(faults.map(({ errorCode }) => errorCode)).toEqual(['DependencyTimeoutException', 'KMSInternalException']);
});

test('a log that fails changes nothing', () => {
  const failing = () => reportFaults({ onFault: () => expect.fail('full') }, request, [internal(undefined)]);

  expect(failing).not.toThrow();
});
