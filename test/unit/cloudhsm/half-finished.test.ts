/** The process that drives the reconciler dies at one moment of one step, for every moment of every step that changes something. The next process goes on. */
import { expect, test } from 'vitest';
import type { ReconcilerPorts } from '#shared/cloudhsm/ports.ts';
import { reconcile } from '#shared/cloudhsm/reconcile.ts';
import { minute } from '#test/support/cloudhsm-control-plane/model.ts';
import { createWorld, managed, type World } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';

const wanted = managed({ hsms: 2 });
/** Longer than a lease. */
const laterMs = 4 * minute;

class Died extends Error {}

interface Moments {
  readonly names: string[];
  readonly ports: ReconcilerPorts;
}

/** Counts the moments at which a process can die so that it matters, and dies at one of them. */
function mortal({ ports, secrets }: World, diesAt: number): Moments {
  const names: string[] = [];
  const pass = (name: string): void => {
    names.push(name);
    if (names.length - 1 === diesAt) throw new Died(name);
  };
  /** Before a call there is the note, or the store of the trust anchor. */
  const after = <Args extends unknown[], Result>(name: string, call: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      const result = await call(...args);
      pass(`after ${name}`);
      return result;
    };
  };
  const { controlPlane, authority, administration, journal } = ports;
  secrets.write = after('the trust anchor is stored', secrets.write);
  return {
    names,
    ports: {
      ...ports,
      controlPlane: {
        ...controlPlane,
        createCluster: after('CreateCluster', controlPlane.createCluster),
        createHsm: after('CreateHsm', controlPlane.createHsm),
        initialise: after('InitializeCluster', controlPlane.initialise),
      },
      authority: { ...authority, disable: after('the authority is disabled', authority.disable) },
      administration: { request: after('administration', administration.request) },
      journal: {
        read: journal.read,
        async acquire(now, durationMs) {
          const lease = await journal.acquire(now, durationMs);
          if (lease === undefined) return undefined;
          let acts = false;
          return {
            ...lease,
            async save(next) {
              acts = true;
              pass('before the note');
              await after('the note', lease.save)(next);
            },
            async release(next) {
              await lease.release(next);
              if (acts) pass('after the release');
            },
          };
        },
      },
    },
  };
}

async function driveUntilDeath({ clock }: World, ports: ReconcilerPorts): Promise<boolean> {
  for (let count = 0; count < 300; count += 1) {
    try {
      const step = await reconcile(ports, wanted);
      if (step.kind === 'done') return false;
      if (step.kind === 'wait') clock.advanceTo(step.until);
      else clock.advance(1000);
    } catch (error) {
      if (error instanceof Died) return true;
      throw error;
    }
  }
  throw new Error('It neither died nor was done.');
}

/** The control plane shows what was made later than the next process looks. */
async function newWorld(): Promise<World> {
  const world = await createWorld();
  world.fake.faults.invisibleMs = laterMs + minute;
  return world;
}

const whole = await newWorld();
const { names, ports } = mortal(whole, -1);
await driveUntilDeath(whole, ports);
const calls = whole.fake.changes.map(({ operation }) => operation);
await whole[Symbol.asyncDispose]();

test('there are moments before and after each call, its note and its release, and around the certificates', () => {
  expect(calls).toEqual(['CreateCluster', 'CreateHsm', 'InitializeCluster', 'CreateHsm']);
  const kinds = ['the note', 'CreateCluster', 'CreateHsm', 'the trust anchor is stored', 'InitializeCluster', 'the authority is disabled', 'administration'];
  expect(new Set(names)).toEqual(new Set(['before the note', ...kinds.map((kind) => `after ${kind}`), 'after the release']));
});

test.each(names.map((name, at) => [at, name] as const))(
  'death %i, %s: the next run ends the deployment, each call made once, with the certificates and passwords that were there',
  async (at) => {
    await using world = await newWorld();
    expect(await driveUntilDeath(world, mortal(world, at).ports)).toBe(true);
    world.clock.advance(laterMs);

    const step = await world.drive(wanted);

    const [cluster, ...others] = world.fake.model.clusters;
    expect([step.kind, others]).toEqual(['done', []]);
    expect(world.fake.changes.map(({ operation, overlaps }) => [operation, overlaps])).toEqual(calls.map((operation) => [operation, false]));
    expect(cluster!.trustAnchor).toBe(world.secrets.values.get('anchor'));
    expect(cluster!.adminPassword).toBe('secret');
    expect(new Set(cluster!.hsms.map(({ zone }) => zone)).size).toBe(2);
    for (const { users } of cluster!.hsms) expect([...users]).toEqual(['admin', 'chatelaine']);
  },
);
