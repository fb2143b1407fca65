/** The last of three places that keep destruction for the custodian: behind the gateway and the dispatcher, in the operation's own function. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '#shared/pipeline/caller.ts';
import { createService } from '#shared/pipeline/service.ts';
import { destructiveOperations } from '#shared/policy/destructive-operations.ts';
import { handleApiRequest } from '#shared/protocols/handle-api-request.ts';
import { runDueTask } from '#shared/sweeps/due-tasks.ts';
import { alice, awsJsonRequest, type InProcess, type Members, restRequest, startInProcess } from '../support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '../support/sample-requests.ts';

const sessions = `arn:aws:sts::${alice.account}:assumed-role/chatelaine-custodian/`;
const custodian: Caller = { ...alice, principalArn: `${sessions}carol`, principalId: 'AROACUSTODIAN0000001:carol' };

let app: InProcess;
let keys: SampleKeys;
beforeAll(async () => {
  app = startInProcess();
  keys = await createSampleKeys(app);
  await app.must('CreateBinding', { Principal: `arn:aws:iam::${alice.account}:role/chatelaine-custodian`, RoleName: 'administrator' });
});
afterAll(() => app.close());

/** What became of it: the error, or undefined. */
async function outcome(operation: string, members: Members, caller: Caller, { rest = false, custodianOf = sessions as string | null } = {}) {
  const service = createService({ ...app.service, custodianSessions: custodianOf ?? undefined });
  const own = rest ? restRequest(service, operation, members) : awsJsonRequest(operation, members);
  const request = { method: 'POST', path: '/', query: '', headers: {}, body: new Uint8Array(), sourceIp: '192.0.2.1', ...own };
  const { status, headers } = await handleApiRequest(service, request, () => caller);
  return status < 300 ? undefined : headers['x-amzn-errortype'];
}

describe.each([...destructiveOperations])('%s', (operation) => {
  test.each([false, true])('is refused to an administrator who is not the custodian, and the refusal is recorded (REST: %s)', async (rest) => {
    const members = await sampleRequest(app, keys, operation);
    const recorded = app.audit.length;

    expect(await outcome(operation, members, alice, { rest })).toBe('AccessDeniedException');
    expect(app.audit.slice(recorded)).toEqual([
      expect.objectContaining({ operation, errorCode: 'AccessDeniedException', principal: expect.objectContaining({ arn: alice.principalArn }) }),
    ]);
  });

  test('is not refused to the custodian, and to nobody where there is none', async () => {
    expect(await outcome(operation, await sampleRequest(app, keys, operation), custodian)).toBeUndefined();
    await app.call('CancelKeyDeletion', { KeyId: keys.symmetric });

    expect(await outcome(operation, await sampleRequest(app, keys, operation), alice, { custodianOf: null })).toBeUndefined();
    await app.call('CancelKeyDeletion', { KeyId: keys.symmetric });
  });

  test('needs rights of the service as well: the role alone destroys nothing', async () => {
    const stranger = { ...custodian, principalArn: `arn:aws:sts::${alice.account}:assumed-role/another-custodian/carol`, principalId: 'AROAANOTHER00000001:carol' };
    const members = await sampleRequest(app, keys, operation);

    expect(await outcome(operation, members, stranger, { custodianOf: stranger.principalArn.replace(/carol$/, '') })).toBe('AccessDeniedException');
  });
});

test('other operations, and what the service destroys because it is due, ask for no custodian', async () => {
  const { KeyMetadata } = await app.must('CreateKey', {});
  const { KeyId } = KeyMetadata as { KeyId: string };
  const service = createService({ ...app.service, custodianSessions: sessions });

  expect(await outcome('DisableKey', { KeyId }, alice)).toBeUndefined();
  expect(await outcome('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 }, custodian)).toBeUndefined();
  app.clock.advanceDays(8);
  await runDueTask(service, { kind: 'DELETION', account: alice.account, region: alice.region, keyId: KeyId, version: 1 });

  expect((await app.call('DescribeKey', { KeyId })).code).toBe('NotFoundException');
});
