import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type ActionKind, clusterStates, type Desired, hsmStates, type Journal, type Observed, type ObservedCluster } from '#shared/cloudhsm/observation.ts';
import { plan } from '#shared/cloudhsm/plan.ts';
import { reconcile } from '#shared/cloudhsm/reconcile.ts';
import { keysTag, usersTag } from '#shared/cloudhsm/tags.ts';
import { minute } from '#test/support/cloudhsm-control-plane/model.ts';
import { createWorld, managed, subnets, type World } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';
import { deleting } from '#test/support/cloudhsm-control-plane/requests.ts';
import { testPki } from '#test/support/cloudhsm-control-plane/test-pki.ts';

const zones = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const now = Date.parse('2026-11-24T08:00:00Z');
const kinds: readonly ActionKind[] = ['create-cluster', 'create-hsm', 'initialise', 'disable-authority', 'activate', 'create-users', 'create-keys'];
const ids = fc.constantFrom('hsm-aaaaaaaaaaa', 'hsm-bbbbbbbbbbb', 'hsm-ccccccccccc', 'hsm-ddddddddddd');
const recently = fc.integer({ min: 0, max: 30 * minute }).map((ago) => now - ago);

const journal: fc.Arbitrary<Journal> = fc.record(
  {
    lastCall: fc.record({ kind: fc.constantFrom(...kinds), at: recently, count: fc.integer({ min: 1, max: 6 }), hsmIds: fc.uniqueArray(ids) }),
    zoneFailures: fc.dictionary(fc.constantFrom(...zones), fc.record({ at: recently, count: fc.integer({ min: 1, max: 13 }) })),
    throttled: fc.record({ until: fc.integer({ min: now - minute, max: now + minute }), count: fc.integer({ min: 1, max: 30 }) }),
  },
  { requiredKeys: [] },
);
const cluster: fc.Arbitrary<ObservedCluster> = fc.record({
  id: fc.constantFrom('cluster-aaaaaaaaaaa', 'cluster-bbbbbbbbbbb'),
  state: fc.constantFrom(...clusterStates),
  hsmType: fc.oneof({ weight: 9, arbitrary: fc.constant('hsm2m.medium') }, { weight: 1, arbitrary: fc.constant('hsm1.medium') }),
  mode: fc.oneof({ weight: 9, arbitrary: fc.constant('FIPS') }, { weight: 1, arbitrary: fc.constantFrom('NON_FIPS', undefined) }),
  sourceBackupId: fc.constantFrom(undefined, 'backup-aaaaaaaaaaa'),
  subnets: fc.constantFrom({}, Object.fromEntries(zones.map((zone, at) => [zone, subnets[at]!]))),
  hsms: fc.array(fc.record({ id: ids, zone: fc.constantFrom(...zones), state: fc.constantFrom(...hsmStates) }), { maxLength: 30 }),
  tags: fc.constantFrom({}, { [usersTag]: 'created' }, { [usersTag]: 'created', [keysTag]: '1' }),
  certificates: fc.constantFrom({}, testPki().shown, { ...testPki().shown, hsm: testPki().shown.awsHardware }, { signingRequest: 'nonsense' }),
});
const desired: fc.Arbitrary<Desired> = fc.oneof(
  fc
    .record({
      hsms: fc.integer({ min: 1, max: 6 }),
      phase: fc.constantFrom('initialised', 'active', 'scaled', 'ready'),
      authority: fc.constantFrom('kms', 'external'),
      epoch: fc.constantFrom(undefined, 1, 2),
      keepsOnly: fc.boolean(),
    })
    .map(({ keepsOnly, ...changes }) => ({ ...managed(changes), keepsOnly })),
  fc.constant<Desired>({ source: 'restore', deployment: 'test', phase: 'ready', backupId: 'backup-aaaaaaaaaaa', hsms: 3, subnets, backupRetentionDays: 90, keepsOnly: false }),
  fc.constant<Desired>({ source: 'existing', deployment: 'test', phase: 'ready', clusterId: 'cluster-aaaaaaaaaaa' }),
  fc.constant<Desired>({ source: 'softhsm', deployment: 'test', phase: 'ready' }),
);
const observed: fc.Arbitrary<Observed> = fc.record({
  now: fc.constant(now),
  clusters: fc.array(cluster, { maxLength: 2 }),
  backup: fc.constantFrom(
    undefined,
    { id: 'backup-aaaaaaaaaaa', state: 'READY', mode: 'FIPS', hsmType: 'hsm2m.medium' } as const,
    { id: 'backup-aaaaaaaaaaa', state: 'PENDING_DELETION' } as const,
  ),
  authorityKey: fc.constantFrom(undefined, 'enabled', 'disabled'),
  journal,
});

describe('the plan, from anything that can be seen', () => {
  test('says one of four things, waits until a later time, and asks for nothing while something is in progress', () => {
    fc.assert(
      fc.property(observed, desired, (seen, wanted) => {
        const step = plan(seen, wanted);

        if (step.kind === 'wait') expect(step.until).toBeGreaterThan(seen.now);
        if (step.kind !== 'act') return;
        expect(kinds).toContain(step.action.kind);
        const present = seen.clusters.filter(({ state }) => state !== 'DELETED');
        expect(present.length).toBeLessThanOrEqual(1);
        expect(present.every(({ state }) => state === 'UNINITIALIZED' || state === 'INITIALIZED' || state === 'ACTIVE')).toBe(true);
        if (step.action.kind === 'disable-authority') return;
        expect(
          present.flatMap(({ hsms }) => hsms).some(({ state }) => state === 'CREATE_IN_PROGRESS') && step.action.kind !== 'initialise' && step.action.kind !== 'activate',
        ).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  test('never makes a second cluster, never more HSMs than a cluster may hold, and touches no cluster that is not of the right kind', () => {
    fc.assert(
      fc.property(observed, desired, (seen, wanted) => {
        const step = plan(seen, wanted);

        if (step.kind !== 'act') return;
        const present = seen.clusters.filter(({ state }) => state !== 'DELETED');
        if (step.action.kind === 'create-cluster') expect([present, 'keepsOnly' in wanted && wanted.keepsOnly]).toEqual([[], false]);
        else for (const { hsmType, mode } of present) expect([hsmType, mode]).toEqual(['hsm2m.medium', 'FIPS']);
        if (step.action.kind === 'create-hsm') expect(present[0]!.hsms.filter(({ state }) => state !== 'DELETED').length).toBeLessThan(28);
        expect(['managed', 'restore']).toContain(wanted.source);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the reconciler, driven', () => {
  const worlds: World[] = [];
  afterAll(() => Promise.all(worlds.map((world) => world[Symbol.asyncDispose]())));
  async function newWorld(...options: Parameters<typeof createWorld>): Promise<World> {
    const world = await createWorld(...options);
    worlds.push(world);
    return world;
  }
  const upsets = fc.array(fc.constantFrom('none', 'none', 'none', 'throttle', 'break', 'lose-request', 'lose-answer'), { maxLength: 40 });

  test('converges or stops by name under throttling, broken and lost calls, zones without capacity and crashes; one change at a time; never deletes', async () => {
    await fc.assert(
      fc.asyncProperty(
        upsets,
        fc.uniqueArray(fc.constantFrom(...zones), { maxLength: 3 }),
        fc.integer({ min: 1, max: 6 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 8 }),
        fc.integer({ min: 0, max: 9 * minute }),
        async (planned, withoutCapacity, hsms, crashes, invisibleMs) => {
          const world = await newWorld();
          world.fake.upsets.push(...(planned as World['fake']['upsets']));
          for (const zone of withoutCapacity) world.fake.faults.zonesWithoutCapacity.add(zone);
          world.fake.faults.invisibleMs = invisibleMs;

          const step = await driveWithCrashes(world, managed({ hsms, epoch: 1 }), crashes);

          const [cluster, ...more] = world.fake.model.clusters;
          expect(more).toEqual([]);
          expect(world.fake.changes.filter(({ overlaps }) => overlaps)).toEqual([]);
          expect(world.fake.changes.filter(({ operation }) => deleting.has(operation))).toEqual([]);
          expect(['done', 'stopped']).toContain(step.kind);
          if (step.kind !== 'done') return;
          expect(cluster!.hsms.filter(({ state }) => state === 'ACTIVE')).toHaveLength(hsms);
          for (const { users } of cluster!.hsms) expect([...users]).toEqual(['admin', 'chatelaine']);
          expect(cluster!.tags.get(keysTag)).toBe('1');
        },
      ),
      { numRuns: 25 },
    );
  });

  test('resumes a half-finished deployment from every point, to the same end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 45 }), fc.boolean(), fc.integer({ min: 0, max: 60 * minute }), async (steps, keepsJournal, pauseMs) => {
        const world = await newWorld();
        await world.drive(managed(), steps).catch(() => undefined);
        // A new deployment attempt, later, perhaps with an empty journal.
        world.clock.advance(pauseMs + 10 * minute);
        if (!keepsJournal) world.journal.journal = {};

        const step = await world.drive(managed());

        expect(step.kind).toBe('done');
        expect(world.fake.model.clusters).toHaveLength(1);
        expect(world.fake.model.clusters[0]!.hsms.map(({ zone }) => zone).toSorted()).toEqual(zones);
        expect(world.fake.changes.filter(({ overlaps }) => overlaps)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

class Crash extends Error {}

/** At some of its calls the process dies, before or after the call took effect; the next one starts after its lease has run out. */
async function driveWithCrashes({ ports, clock }: World, wanted: Desired, crashes: readonly number[]) {
  let calls = 0;
  const dying = <Args extends unknown[]>(call: (...args: Args) => Promise<void>) => {
    return async (...args: Args): Promise<void> => {
      calls += 1;
      if (crashes.includes(calls * 2)) throw new Crash();
      await call(...args);
      if (crashes.includes(calls * 2 + 1)) throw new Crash();
    };
  };
  const { controlPlane, authority, administration } = ports;
  const mortal = {
    ...ports,
    controlPlane: { ...controlPlane, createCluster: dying(controlPlane.createCluster), createHsm: dying(controlPlane.createHsm), initialise: dying(controlPlane.initialise) },
    authority: { ...authority, disable: dying(authority.disable) },
    administration: { request: dying(administration.request) },
  };
  for (let count = 0; count < 3000; count++) {
    try {
      const step = await reconcile(mortal, wanted);
      if (step.kind === 'done' || step.kind === 'stopped') return step;
      if (step.kind === 'wait') clock.advanceTo(step.until);
      else clock.advance(1000);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      clock.advance(4 * minute);
    }
  }
  throw new Error('Neither done nor stopped.');
}
