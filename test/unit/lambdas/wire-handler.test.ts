import { describe, expect, test } from 'vitest';
import { createWireHandler } from '#lambdas/handlers/wire-handler.ts';
import type { Alarm, AuditRecord } from '#shared/audit/audit-record.ts';
import { captureLog } from './captured-log.ts';
import { apiId, identity, proxyEvent, wireEvent } from './events.ts';

captureLog();

const answer = { statusCode: 200, headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'of-the-function' }, body: '{"Keys":[]}' };

function start(invoke: (input: { FunctionName: string; Payload: Uint8Array }) => unknown, auditFails = false, custodianSessions?: string) {
  const records: AuditRecord[] = [];
  const alarms: Alarm[] = [];
  const invoked: { FunctionName: string; Payload: Uint8Array }[] = [];
  const handler = createWireHandler({
    client: {
      async send(command: { input: { FunctionName: string; Payload: Uint8Array } }) {
        invoked.push(command.input);
        return invoke(command.input);
      },
    } as never,
    service: {
      audit: {
        async append(record) {
          if (auditFails) throw new Error('down');
          records.push(record);
        },
      },
      alarms: { raise: (alarm) => void alarms.push(alarm) },
      clock: { now: () => Date.UTC(2026, 0, 1) },
    },
    operationNames: new Set(['ListKeys', 'Encrypt', 'ScheduleKeyDeletion']),
    functionName: (operation) => `chatelaine-${operation}`,
    apiId,
    custodianSessions,
    region: 'eu-west-1',
    flush: async () => undefined,
  });
  return { handler, records, alarms, invoked };
}
const payload = (value: unknown) => ({ StatusCode: 200, Payload: Buffer.from(JSON.stringify(value)) });

describe('the wire dispatcher', () => {
  test("hands the gateway's event untouched to the function of the operation, and its answer back", async () => {
    const { handler, invoked, records } = start(() => payload(answer));
    const event = wireEvent('ListKeys', { Limit: 1 });

    const result = await handler(event);

    expect(result).toEqual(answer);
    expect(invoked[0]?.FunctionName).toBe('chatelaine-ListKeys');
    expect(JSON.parse(Buffer.from(invoked[0]!.Payload).toString())).toEqual(JSON.parse(JSON.stringify(event)));
    // The function that answers records the request.
    expect(records).toEqual([]);
  });

  test('keeps destructive operations for the sessions of the custodian, where there is one', async () => {
    const sessions = 'arn:aws:sts::111122223333:assumed-role/castle-custodian/';
    const event = (userArn: string) => wireEvent('ScheduleKeyDeletion', {}, { identity: { ...identity, userArn } });
    const outcome = async (userArn: string, custodian?: string) => {
      const { handler, invoked, records } = start(() => payload(answer), false, custodian);
      const { body } = await handler(event(userArn));
      return [(JSON.parse(body) as { __type?: string }).__type, invoked.length, records.length];
    };

    const refused = ['AccessDeniedException', 0, 1];
    expect(await outcome(`${sessions}carol`, sessions)).toEqual([undefined, 1, 0]);
    expect(await outcome(identity.userArn, sessions)).toEqual(refused);
    expect(await outcome('arn:aws:sts::444455556666:assumed-role/castle-custodian/mallory', sessions)).toEqual(refused);
    expect(await outcome('arn:aws:sts::111122223333:assumed-role/castle-custodian2/mallory', sessions)).toEqual(refused);
    expect(await outcome(identity.userArn)).toEqual([undefined, 1, 0]);
  });

  test.each([
    ['an unknown operation', wireEvent('Nonsense', {}), 'UnknownOperationException'],
    ['no target', proxyEvent({ body: '{}' }), 'UnknownOperationException'],
    ['another method', wireEvent('ListKeys', {}, { method: 'GET' }), 'UnknownOperationException'],
    ['the name of a member of Object', wireEvent('constructor', {}), 'UnknownOperationException'],
    ['an event of another API', wireEvent('ListKeys', {}, { apiId: 'otherapi00' }), 'AccessDeniedException'],
    ['no identity', wireEvent('ListKeys', {}, { identity: {} }), 'MissingAuthenticationTokenException'],
  ])('refuses and records %s, and invokes nothing', async (_, event, code) => {
    const { handler, invoked, records } = start(() => payload(answer));

    const result = await handler(event);

    expect(result.statusCode).toBe(400);
    expect(JSON.parse(result.body).__type).toBe(code);
    expect(records.map(({ errorCode }) => errorCode)).toEqual([code]);
    expect(invoked).toEqual([]);
  });

  test.each([
    ['is throttled', () => Promise.reject(Object.assign(new Error('slow down'), { name: 'TooManyRequestsException' })), 400, 'ThrottlingException'],
    ['cannot be reached', () => Promise.reject(new Error('no route')), 503, 'DependencyTimeoutException'],
    ['crashed', () => ({ ...payload({ errorMessage: 'secret detail' }), FunctionError: 'Unhandled' }), 500, 'KMSInternalException'],
    ['answered nonsense', () => payload('nonsense'), 500, 'KMSInternalException'],
    ['answered nothing', () => ({ StatusCode: 200 }), 500, 'KMSInternalException'],
  ])('answers with an error of KMS and a record when the function %s', async (_, invoke, status, code) => {
    const { handler, records } = start(invoke);

    const result = await handler(wireEvent('ListKeys', {}));

    expect(result.statusCode).toBe(status);
    expect(JSON.parse(result.body).__type).toBe(code);
    expect(result.body).not.toContain('secret');
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ operation: 'ListKeys', errorCode: code, principal: { arn: identity.userArn } });
  });

  test('fails closed when a refusal cannot be recorded', async () => {
    const { handler, alarms } = start(() => payload(answer), true);

    const result = await handler(wireEvent('Nonsense', {}));

    expect(result.statusCode).toBe(500);
    expect(alarms.map(({ kind }) => kind)).toEqual(['audit-unavailable']);
  });
});
