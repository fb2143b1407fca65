import { beforeEach, expect, test, vi } from 'vitest';
import type { JobName } from '#bridge/driver/jobs.ts';
import { JobFailure, type JobFailureCode } from '#bridge/lanes/answer.ts';
import { Hsm } from '#bridge/operations/hsm.ts';
import type { KeyHandle } from '#shared/ports/crypto.ts';

const binding = { account: '111122223333', region: 'eu-central-1', keyId: '00000000-0000-4000-8000-000000000000', version: 1 };
const key: KeyHandle = {
  binding,
  material: {
    format: 1,
    ...binding,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    protection: 'HSM',
    epoch: 1,
    wrapMechanism: 'AES_KWP',
    createdAt: 1,
    wrapped: 'AAAA',
    tag: 'AAAA',
  },
};

const lane = { run: vi.fn<(name: JobName, fields: readonly Uint8Array[], deadlineAt: number) => Promise<Buffer[]>>() };
const onMaterialRefused = vi.fn();
const onTokenLost = vi.fn();
let hsm: Hsm;
let nextHandle = 1;

/** Failures in order, per job; then success. */
function answer(failures: Partial<Record<JobName, JobFailureCode[]>>): void {
  lane.run.mockImplementation(async (name) => {
    const failure = failures[name]?.shift();
    if (failure !== undefined) throw new JobFailure(failure, 'as told');
    return name === 'open' ? [Buffer.of(nextHandle++)] : [Buffer.from('result')];
  });
}
beforeEach(() => {
  vi.resetAllMocks();
  nextHandle = 1;
  hsm = new Hsm({ fast: lane, slow: lane, cacheEntriesMax: 10, cacheTtlMs: 60_000, onMaterialRefused, onTokenLost });
});

const soon = () => ({ deadlineAt: performance.now() + 1_000 });
const calls = () => lane.run.mock.calls.map(([name]) => name);
const use = () => hsm.withKey(key, soon(), (handle) => hsm.run('sign', [handle], soon()));

test('a cached handle that died is dropped and destroyed, the key is opened again and the job tried once more', async () => {
  answer({ sign: ['stale-key'] });

  expect(await use()).toEqual([Buffer.from('result')]);
  expect(calls()).toEqual(['open', 'sign', 'destroy', 'open', 'sign']);
  expect(lane.run.mock.calls[4]?.[1]).toEqual([Buffer.of(2)]);
});

test('a handle that dies twice is unavailable, not an endless loop', async () => {
  answer({ sign: ['stale-key', 'stale-key', 'stale-key'] });

  await expect(use()).rejects.toMatchObject({ code: 'unavailable' });
  expect(calls().filter((name) => name === 'sign')).toHaveLength(2);
});

test('throttling is waited out', async () => {
  answer({ sign: ['throttled', 'throttled'] });

  expect(await use()).toEqual([Buffer.from('result')]);
});

test('throttling past the deadline is busy', async () => {
  answer({ sign: Array.from({ length: 100 }, () => 'throttled' as const) });

  await expect(hsm.run('sign', [], { deadlineAt: performance.now() + 100 })).rejects.toMatchObject({ code: 'busy' });
});

test.each<[JobFailureCode, string]>([
  ['invalid-ciphertext', 'invalid-ciphertext'],
  ['queue-full', 'busy'],
  ['deadline', 'timeout'],
  ['worker-lost', 'unavailable'],
  ['stale-session', 'unavailable'],
  ['token-lost', 'unavailable'],
  ['internal', 'internal'],
])('the failure %s is the error %s', async (failure, code) => {
  answer({ sign: [failure] });

  await expect(use()).rejects.toMatchObject({ code });
  expect(onTokenLost).toHaveBeenCalledTimes(failure === 'token-lost' ? 1 : 0);
});

test('a refused row raises one alarm per attempt, and is not remembered', async () => {
  answer({ open: ['material-refused'] });

  await expect(use()).rejects.toMatchObject({ code: 'material-refused' });

  expect(onMaterialRefused.mock.calls).toEqual([[binding.keyId, 'as told']]);
  expect(await use()).toEqual([Buffer.from('result')]);
});

test('a row whose binding differs, or that is malformed, is refused without asking the HSM', async () => {
  answer({});
  const other = { ...key, binding: { ...binding, version: 2 } };
  const malformed = { ...key, material: { ...key.material, wrapped: '' } };

  await expect(hsm.check(other)).rejects.toMatchObject({ code: 'material-refused' });
  await expect(hsm.check(malformed)).rejects.toMatchObject({ code: 'material-refused' });

  expect(lane.run).not.toHaveBeenCalled();
});

test('a checked row is not checked again, an edited one is', async () => {
  answer({});

  await hsm.check(key);
  await hsm.check(structuredClone(key));
  await hsm.check({ ...key, material: { ...key.material, createdAt: 2 } });

  expect(calls()).toEqual(['check', 'check']);
});
