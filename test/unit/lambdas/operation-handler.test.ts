import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOperationHandler } from '#lambdas/handlers/operation-handler.ts';
import { logFault } from '#lambdas/log-line.ts';
import { type InProcess, startInProcess } from '../../support/in-process.ts';
import { captureLog } from './captured-log.ts';
import { apiId, identity, proxyEvent, wireEvent } from './events.ts';

const log = captureLog();

let app: InProcess;
let flushed: number;
const handlerOf = (operation: string) =>
  createOperationHandler({
    service: app.service,
    operation,
    apiId,
    region: 'eu-west-1',
    flush: async () => {
      flushed += 1;
    },
  });
const bodyOf = (result: { body: string }) => JSON.parse(result.body) as Record<string, unknown>;

beforeEach(() => {
  app = startInProcess();
  flushed = 0;
});
afterEach(() => app.close());

describe('an operation function', () => {
  test('serves its REST route', async () => {
    const result = await handlerOf('CreateKey')(proxyEvent({ resource: '/v1/keys', body: '{"Description":"from REST"}' }));

    expect(result.statusCode).toBe(200);
    expect(bodyOf(result).KeyMetadata).toMatchObject({ Description: 'from REST', AWSAccountId: '111122223333' });
  });

  test('serves the wire protocol when the dispatcher hands its event on', async () => {
    const result = await handlerOf('GenerateRandom')(wireEvent('GenerateRandom', { NumberOfBytes: 8 }));

    expect(result.statusCode).toBe(200);
    expect(result.headers?.['content-type']).toBe('application/x-amz-json-1.1');
    expect(bodyOf(result).Plaintext).toMatch(/^[A-Za-z0-9+/]{11}=$/);
  });

  test('logs a fault inside as one line, with the request id of the answer and without what any message quotes', async () => {
    app.faults.store = () => {
      throw new Error('quoted secret');
    };
    const settings = { service: { ...app.service, onFault: logFault }, operation: 'CreateKey', apiId, region: 'eu-west-1', flush: async () => undefined };

    const result = await createOperationHandler(settings)(proxyEvent({ resource: '/v1/keys', body: '{}' }));

    const faults = log.lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ event }) => event === 'fault');
    expect(faults).toMatchObject([{ level: 'error', operation: 'CreateKey', requestId: result.headers?.['x-amzn-requestid'], errors: [{ name: 'KmsError' }, { name: 'Error' }] }]);
    expect(log.lines.join()).not.toContain('quoted secret');
  });

  test("does not know any other operation's route or target, and records the refusal", async () => {
    const rest = await handlerOf('Encrypt')(proxyEvent({ resource: '/v1/keys', body: '{}' }));
    const wire = await handlerOf('Encrypt')(wireEvent('CreateKey', {}));

    expect(bodyOf(rest).code).toBe('UnknownOperationException');
    expect(bodyOf(wire).__type).toBe('UnknownOperationException');
    expect(app.audit.map(({ errorCode }) => errorCode)).toEqual(['UnknownOperationException', 'UnknownOperationException']);
  });

  test('takes the caller from what the gateway verified, whatever headers and body say', async () => {
    const headers = {
      'X-Amz-Security-Token': 'x',
      'X-Caller-Arn': 'arn:aws:iam::999988887777:root',
      Authorization: 'AWS4-HMAC-SHA256 Credential=AKIAEVIL/20260101/eu-west-1/kms/aws4_request',
    };

    await handlerOf('GenerateRandom')(wireEvent('GenerateRandom', { NumberOfBytes: 8, requestContext: { identity: { accountId: '999988887777' } } }, { headers }));

    expect(app.audit[0]?.principal).toEqual({ arn: identity.userArn, id: identity.caller, account: identity.accountId, accessKeyId: identity.accessKey });
  });

  test.each([
    ['of another API', { apiId: 'otherapi00' }, 'AccessDeniedException'],
    ['without an identity', { identity: {} }, 'MissingAuthenticationTokenException'],
    ['with an account that is none', { identity: { ...identity, accountId: 'root' } }, 'MissingAuthenticationTokenException'],
    ['with an anonymous caller', { identity: { ...identity, userArn: null } }, 'MissingAuthenticationTokenException'],
  ])('refuses and records an event %s', async (_, options, code) => {
    const result = await handlerOf('GenerateRandom')(wireEvent('GenerateRandom', { NumberOfBytes: 8 }, options));

    expect(result.statusCode).toBe(400);
    expect(bodyOf(result).__type).toBe(code);
    expect(app.audit).toHaveLength(1);
    expect(app.audit[0]).toMatchObject({ outcome: 'denied', errorCode: code, operation: 'GenerateRandom' });
  });

  test.each([
    ['no members at all', {}],
    ['a request context of the wrong type', { requestContext: 'x', headers: null, body: 17 }],
    ['headers that are no texts', { headers: { a: { b: 1 } }, requestContext: { apiId } }],
  ])('answers an event with %s instead of crashing', async (_, event) => {
    const result = await handlerOf('GenerateRandom')(event as never);

    expect(result.statusCode).toBeGreaterThanOrEqual(400);
    expect(result.body).not.toContain('stack');
  });

  test('a target header does not make a REST request, authorized for its path, into one about another key', async () => {
    const caller = { account: '111122223333', region: 'eu-west-1', principalArn: identity.userArn, principalId: 'x' };
    const ids = await Promise.all([1, 2].map(async () => ((await app.must('CreateKey', {}, { caller })).KeyMetadata as { KeyId: string }).KeyId));
    const event = (body: object) =>
      proxyEvent({ resource: '/v1/keys/{KeyId}/disable', pathParameters: { KeyId: ids[0]! }, headers: { 'X-Amz-Target': 'TrentService.DisableKey' }, body: JSON.stringify(body) });

    const confused = await handlerOf('DisableKey')(event({ KeyId: ids[1] }));
    const plain = await handlerOf('DisableKey')(event({}));

    expect(bodyOf(confused).code).toBe('ValidationException');
    expect(plain.statusCode).toBe(204);
    const stateOf = async (KeyId: string) => ((await app.must('DescribeKey', { KeyId }, { caller })).KeyMetadata as { KeyState: string }).KeyState;
    expect([await stateOf(ids[0]!), await stateOf(ids[1]!)]).toEqual(['Disabled', 'Enabled']);
  });

  test('refuses a body over a megabyte', async () => {
    const result = await handlerOf('CreateKey')(wireEvent('CreateKey', { Description: 'x'.repeat(1024 * 1024) }));

    expect(bodyOf(result).__type).toBe('RequestEntityTooLargeException');
  });

  test('withholds the answer when nothing records it, and sends the alarms before it ends', async () => {
    app.faults.audit = new Error('both sinks are down');

    const result = await handlerOf('GenerateRandom')(wireEvent('GenerateRandom', { NumberOfBytes: 8 }));

    expect(result.statusCode).toBe(500);
    expect(result.body).not.toContain('Plaintext');
    expect(app.alarms.map(({ kind }) => kind)).toEqual(['audit-unavailable']);
    expect(flushed).toBe(1);
  });

  test.each(['alias/team/app', 'alias%2Fteam%2Fapp'])('reads an alias in a path segment that came as %s', async (AliasName) => {
    const { KeyMetadata } = await app.must('CreateKey', {}, { caller: { account: '111122223333', region: 'eu-west-1', principalArn: identity.userArn, principalId: 'x' } });
    const TargetKeyId = (KeyMetadata as { KeyId: string }).KeyId;
    await app.must('CreateAlias', { AliasName: 'alias/team/app', TargetKeyId });

    const result = await handlerOf('DeleteAlias')(proxyEvent({ method: 'DELETE', resource: '/v1/aliases/{AliasName}', pathParameters: { AliasName } }));

    expect(result.statusCode).toBe(204);
  });

  test('logs who did what and how it ended, and nothing of the request or the answer', async () => {
    const { KeyMetadata } = await app.must('CreateKey', {}, { caller: { account: '111122223333', region: 'eu-west-1', principalArn: identity.userArn, principalId: 'x' } });
    const members = {
      KeyId: (KeyMetadata as { KeyId: string }).KeyId,
      Plaintext: Buffer.from('sentinel-plaintext').toString('base64'),
      EncryptionContext: { purpose: 'sentinel-context' },
    };

    const result = await handlerOf('Encrypt')(wireEvent('Encrypt', members, { headers: { Authorization: 'sentinel-authorization' } }));

    const text = log.lines.join('\n');
    expect(JSON.parse(log.lines.at(-1)!)).toMatchObject({
      event: 'request',
      operation: 'Encrypt',
      status: 200,
      principalArn: identity.userArn,
      gatewayRequestId: 'gateway-request',
    });
    for (const secret of ['sentinel', members.Plaintext, String(bodyOf(result).CiphertextBlob)]) expect(text).not.toContain(secret);
  });

  test('does not start for an operation that does not exist', () => {
    expect(() => handlerOf('Nonsense')).toThrow('There is no operation Nonsense.');
  });
});
