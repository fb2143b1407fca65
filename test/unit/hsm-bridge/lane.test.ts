import { randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { Lane, type LaneOptions } from '#bridge/lanes/lane.ts';

const lanes: Lane[] = [];
afterEach(async () => {
  for (const lane of lanes.splice(0)) await lane.close();
});

async function startLane(options: Partial<LaneOptions> = {}): Promise<Lane> {
  const lane = new Lane({
    name: 'test',
    workers: 2,
    queueMax: 10,
    depth: 4,
    setup: { modulePath: '', profile: 'softhsm2', domain: 'test', slot: new Uint8Array(), epochs: [] },
    quick: new Set(['random']),
    script: new URL('./lane-worker.ts', import.meta.url),
    onWorkerLost: () => {},
    ...options,
  });
  lanes.push(lane);
  await lane.start();
  return lane;
}

const soon = () => performance.now() + 5_000;

test('every job gets its own answer, whatever the size and the number in flight', async () => {
  const lane = await startLane({ queueMax: 1_000 });
  const inputs = Array.from({ length: 900 }, (_, at) => randomBytes(1 + ((at * 37) % 9_000)));

  const answers = await Promise.all(inputs.map((input) => lane.run('random', [input, Buffer.from('second')], soon())));

  for (const [at, [first, second]] of answers.entries()) {
    expect(first?.equals(inputs[at]!)).toBe(true);
    expect(second?.toString()).toBe('second');
  }
});

test('a failure carries its meaning', async () => {
  const lane = await startLane();

  await expect(lane.run('sign', [], soon())).rejects.toMatchObject({ code: 'throttled', message: 'as asked' });
});

test('a full queue refuses at once, and what waits is answered', async () => {
  const lane = await startLane({ workers: 1, depth: 1, queueMax: 2 });

  const results = await Promise.allSettled(Array.from({ length: 5 }, () => lane.run('destroy', [], soon())));

  expect(results.map((result) => (result.status === 'fulfilled' ? 'done' : result.reason.code))).toEqual(['done', 'done', 'done', 'queue-full', 'queue-full']);
});

test('a job whose deadline passed in the queue is not started', async () => {
  const lane = await startLane({ workers: 1, depth: 1 });
  const first = lane.run('destroy', [], soon());

  await expect(lane.run('random', [Buffer.of(1)], performance.now() + 1)).rejects.toMatchObject({ code: 'deadline' });
  await expect(first).resolves.toEqual([]);
});

test('a crashed worker is replaced, its sessions are reported, and the jobs around it are answered', async () => {
  const onWorkerLost = vi.fn();
  const lane = await startLane({ workers: 1, depth: 8, onWorkerLost });

  const poison = lane.run('canary', [], soon());
  const others = Array.from({ length: 5 }, (_, at) => lane.run('random', [Buffer.of(at)], soon()));

  await expect(poison).rejects.toMatchObject({ code: 'worker-lost' });
  const results = await Promise.allSettled(others);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'worker-lost' });
  expect(onWorkerLost).toHaveBeenCalledTimes(2);
  expect(onWorkerLost.mock.calls[0]?.[0]).toEqual([new Uint8Array([1])]);
  expect(await lane.run('random', [Buffer.from('alive')], soon())).toEqual([Buffer.from('alive')]);
});

test('closing answers everything that waits', async () => {
  const lane = await startLane({ workers: 1, depth: 1 });
  const jobs = [lane.run('destroy', [], soon()), lane.run('destroy', [], soon())];
  const settled = Promise.allSettled(jobs);

  await lane.close();

  for (const result of await settled) expect(result.status).toBe('rejected');
});
