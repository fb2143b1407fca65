/** Functions behind a load balancer with two bridges on copies of one token, of which one is lost: its process, and then the other's host. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBridgeClient } from '#bridge/client/bridge-client.ts';
import { createBridgeCrypto } from '#lambdas/adapters/bridge-crypto.ts';
import { createOperationHandler } from '#lambdas/handlers/operation-handler.ts';
import { startTestBridge, type TestBridge } from '#test/support/bridge.ts';
import { eventually } from '#test/support/eventually.ts';
import { type InProcess, startInProcess } from '#test/support/in-process.ts';
import { startTcpBalancer, type TcpBalancer } from '#test/support/tcp-balancer.ts';
import { captureLog } from '../unit/lambdas/captured-log.ts';
import { apiId, wireEvent } from '../unit/lambdas/events.ts';

captureLog();
let bridges: TestBridge[];
let balancer: TcpBalancer;
let app: InProcess;
let KeyId: string;

beforeAll(async () => {
  const first = await startTestBridge();
  bridges = [first, await startTestBridge({ authority: first.authority })];
  balancer = await startTcpBalancer(bridges.map((bridge) => () => Number(new URL(bridge.url).port)));
  const { ca, cert, key } = await first.credentials('admin');
  const connect = (certificate: { ca: string; cert: string; key: string }) => createBridgeClient({ url: balancer.url, ...certificate });
  app = startInProcess({ crypto: createBridgeCrypto({ loadSecret: async () => JSON.stringify({ ca, cert, key }), connect }) });
  KeyId = String(((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId);
});
afterAll(async () => {
  app?.close();
  await balancer?.stop();
  for (const bridge of bridges ?? []) await bridge.stop();
});

interface Result {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
async function invoke(operation: string, members: unknown): Promise<Result> {
  const handler = createOperationHandler({ service: app.service, operation, apiId, region: 'eu-west-1', flush: async () => undefined });
  const { statusCode, body } = await handler(wireEvent(operation, members));
  return { status: statusCode, body: JSON.parse(body) as Record<string, unknown> };
}

interface Caller {
  /** Pairs of calls that were answered. */
  done: number;
  readonly refused: Result[];
}
/** Callers that encrypt and decrypt one after the other, and look at each answer. */
function startCallers(count: number) {
  const callers: readonly Caller[] = Array.from({ length: count }, () => ({ done: 0, refused: [] }));
  const wrong: unknown[] = [];
  let running = true;
  async function ask(caller: Caller, operation: string, members: unknown): Promise<Result | undefined> {
    const result = await invoke(operation, members);
    if (result.status === 200) return result;
    caller.refused.push(result);
    return undefined;
  }
  async function pair(caller: Caller): Promise<void> {
    const Plaintext = randomBytes(64).toString('base64');
    const encrypted = await ask(caller, 'Encrypt', { KeyId, Plaintext });
    const decrypted = encrypted === undefined ? undefined : await ask(caller, 'Decrypt', { CiphertextBlob: encrypted.body.CiphertextBlob });
    if (decrypted === undefined) return;
    if (decrypted.body.Plaintext !== Plaintext) wrong.push(decrypted.body);
    caller.done += 1;
  }
  const loops = callers.map(async (caller) => {
    while (running) await pair(caller);
  });
  return {
    wrong,
    refused: () => callers.flatMap(({ refused }) => refused),
    worst: () => Math.max(...callers.map(({ refused }) => refused.length)),
    /** Until each caller has had that many more answers. The first of them may have been under way. */
    async progress(more: number): Promise<void> {
      const until = callers.map(({ done }) => done + more);
      await eventually('answers for every caller', () => callers.every(({ done }, at) => done >= until[at]!));
    },
    async stop(): Promise<void> {
      running = false;
      await Promise.all(loops);
    },
  };
}

/** More than share one connection of the client, so that both bridges have some. */
const many = 40;

test('a bridge whose process is lost costs no call: all are answered by the other one, rightly', async () => {
  const callers = startCallers(many);
  await callers.progress(3);
  expect(Math.min(...balancer.given())).toBeGreaterThan(0);

  await bridges[0]!.kill();
  await callers.progress(10);
  await callers.stop();

  expect(callers.refused()).toEqual([]);
  expect(callers.wrong).toEqual([]);
});

test('while one of two is lost keys are made, because a connection that never came about took no request', async () => {
  for (let made = 0; made < 4; made++) expect((await invoke('CreateKey', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })).status).toBe(200);
});

test('a host that is gone without a word costs each caller the call that was with it, which says "try again"; all others go to the other one', async () => {
  await bridges[0]!.restart();
  const callers = startCallers(many);
  await callers.progress(3);

  balancer.silence(1);
  await callers.progress(10);
  await callers.stop();

  for (const { status, body } of callers.refused()) expect([status, body.__type]).toEqual([503, 'DependencyTimeoutException']);
  expect(callers.worst()).toBeLessThanOrEqual(1);
  expect(callers.wrong).toEqual([]);
});
