import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSdkControlPlane } from '#lambdas/cloudhsm/sdk-control-plane.ts';
import { createBackupGuardian } from '#lambdas/handlers/backup-guardian-handler.ts';
import type { Desired } from '#shared/cloudhsm/observation.ts';
import { FakeControlPlane } from '#test/support/cloudhsm-control-plane/control-plane.ts';
import { type Backup, day, minute } from '#test/support/cloudhsm-control-plane/model.ts';
import { cloudHsmClient, createWorld, drive, MemoryJournal, managed, type World } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';
import { deleting } from '#test/support/cloudhsm-control-plane/requests.ts';

const hour = 60 * minute;
let world: World;
let second: FakeControlPlane;
let secondEndpoint: string;
let clusterId: string;
let ages: number[];
beforeEach(async () => {
  vi.spyOn(console, 'log').mockReturnValue();
  world = await createWorld();
  second = new FakeControlPlane(world.clock, 'eu-west-1');
  secondEndpoint = await second.start();
  world.fake.connect(second);
  await world.drive(managed({ hsms: 2 }));
  clusterId = world.fake.model.clusters[0]!.id;
  ages = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await world[Symbol.asyncDispose]();
  await second.stop();
});

const guardian = (withSecond = true) =>
  createBackupGuardian({
    home: cloudHsmClient(world.endpoint),
    second: withSecond ? { region: 'eu-west-1', client: cloudHsmClient(secondEndpoint, 'eu-west-1') } : undefined,
    deployment: 'test',
    clusterId: async () => clusterId,
    now: world.clock.now,
    metrics: { record: (name, value) => void (name === 'HsmBackupAge' && ages.push(value)), flush: () => undefined },
  });
async function guard(days: number, everyHours = 4): Promise<void> {
  const run = guardian();
  for (let hours = 0; hours < days * 24; hours += everyHours) {
    world.clock.advance(everyHours * hour);
    await run();
  }
}
const monthsKept = (backups: readonly Backup[]) => backups.filter(({ neverExpires }) => neverExpires).map(({ createdAt }) => new Date(createdAt).toISOString().slice(0, 7));

describe('the guardian of backups', () => {
  test('copies each to the second Region once, keeps one of every month in both, and deletes nothing', async () => {
    await guard(40, 12);

    const { backups } = world.fake.model;
    const sources = second.model.backups.map(({ source }) => source?.backupId);
    expect(new Set(sources).size).toBe(sources.length);
    expect(sources.length).toBeGreaterThanOrEqual(39);
    expect(monthsKept(backups)).toEqual(['2026-11', '2026-12', '2027-01']);
    expect(monthsKept(second.model.backups)).toEqual(['2026-11', '2026-12', '2027-01']);
    expect([...world.fake.changes, ...second.changes].filter(({ operation }) => deleting.has(operation))).toEqual([]);
  });

  test('while all is well, the age that is measured stays below the alarm', async () => {
    await guard(2, 1);

    // The first runs are before the first copy.
    expect(Math.max(...ages.slice(3))).toBeLessThan(26);
  });

  test('the kept backup of a month outlives the retention', async () => {
    await guard(3);

    world.clock.advance(200 * day);
    world.fake.model.settle();

    expect(world.fake.model.backups.filter(({ neverExpires }) => neverExpires).map(({ state }) => state)).toEqual(['READY']);
    expect(
      world.fake.model.backups.filter(({ neverExpires, createdAt }) => !neverExpires && world.clock.now() - createdAt > 90 * day).every(({ state }) => state === 'DELETED'),
    ).toBe(true);
  });

  test('no new backups, or no copies, are seen by the age that is measured', async () => {
    await guard(2);
    world.fake.model.clusters[0]!.state = 'DEGRADED';
    world.clock.advance(2 * day);

    await guardian()();
    world.fake.model.backups.length = 0;
    await guardian()();

    expect(ages.at(-2)).toBeGreaterThan(26);
    expect(ages.at(-1)).toBe(9999);
  });

  test('a throttled second Region fails the run, and the next one carries on without a second copy', async () => {
    world.clock.advance(hour);
    const run = guardian();
    second.upsets.push('none', 'throttle');

    await expect(run()).rejects.toThrow('ThrottlingException');
    world.clock.advance(hour);
    await run();

    expect(second.model.backups).toHaveLength(new Set(second.model.backups.map(({ source }) => source?.backupId)).size);
    expect(monthsKept(second.model.backups)).toEqual(['2026-11']);
  });

  test('a backup that somebody asked to delete does not count and is not copied', async () => {
    world.clock.advance(hour);
    world.fake.model.settle();
    for (const backup of world.fake.model.backups) backup.state = 'PENDING_DELETION';

    await guardian()();

    expect(ages).toEqual([9999]);
    expect(second.model.backups).toEqual([]);
  });
});

/** The drill of docs/runbooks/backup-drill.md. */
describe('the restore drill', () => {
  const restore = (backupId: string): Desired => ({
    source: 'restore',
    deployment: 'drill',
    phase: 'ready',
    backupId,
    hsms: 2,
    subnets: ['subnet-1000000a', 'subnet-1000000b'],
    backupRetentionDays: 7,
  });
  const ports = () => ({ ...world.ports, controlPlane: createSdkControlPlane(cloudHsmClient(secondEndpoint, 'eu-west-1')), journal: new MemoryJournal() });

  test('a cluster comes up from the copy in the second Region, with its users, and the first cluster is not touched', async () => {
    // The backups of the first day are from before the users were made.
    await guard(2);
    const before = world.fake.changes.length;
    const copy = second.model.backups.findLast(({ state }) => state === 'READY');

    const step = await drive(ports(), world.clock, restore(copy!.id));

    const [restored] = second.model.clusters;
    expect(step).toMatchObject({ kind: 'done', clusterId: restored!.id });
    expect(restored!.hsms.map(({ zone, state }) => [zone, state])).toEqual([
      ['eu-west-1a', 'ACTIVE'],
      ['eu-west-1b', 'ACTIVE'],
    ]);
    for (const { users } of restored!.hsms) expect([...users]).toContain('chatelaine');
    expect(second.changes.map(({ operation }) => operation).filter((name) => name !== 'ModifyBackupAttributes')).toEqual(['CreateCluster', 'CreateHsm', 'CreateHsm']);
    expect(world.fake.changes).toHaveLength(before);
  });

  test('a backup that is not in the Region, or is being deleted, stops by name before anything is made', async () => {
    await guard(1);
    const copy = second.model.backups.find(({ state }) => state === 'READY')!;

    const missing = await drive(ports(), world.clock, restore(world.fake.model.backups[0]!.id));
    copy.state = 'PENDING_DELETION';
    const leaving = await drive(ports(), world.clock, restore(copy.id));

    expect([missing, leaving]).toMatchObject([{ reason: 'backup-not-found' }, { reason: 'backup-is-being-deleted' }]);
    expect(second.model.clusters).toEqual([]);
  });

  test('a cluster with the tag that was made from something else is not taken for the restored one', async () => {
    await guard(1);
    const [first, other] = second.model.backups.filter(({ state }) => state === 'READY');
    await drive(ports(), world.clock, restore(first!.id));

    const step = await drive(ports(), world.clock, restore(other?.id ?? 'backup-aaaaaaaaaaa'));

    expect(step).toMatchObject({ kind: 'stopped', reason: 'not-from-this-backup' });
  });
});
