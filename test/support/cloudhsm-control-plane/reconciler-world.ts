/** The reconciler against the fake: real SDK client over HTTP, virtual clock, the authority's real code over a key in memory. */
import { generateKeyPairSync, type KeyPairKeyObjectResult, sign } from 'node:crypto';
import { type CloudHsmClient, createCloudHsmClient } from '#lambdas/cloudhsm/cloudhsm-client.ts';
import { createExternalAuthority, createKmsAuthority } from '#lambdas/cloudhsm/cluster-authority.ts';
import type { SecretStore } from '#lambdas/cloudhsm/hsm-services.ts';
import { createSdkControlPlane } from '#lambdas/cloudhsm/sdk-control-plane.ts';
import type { Desired, Journal, Phase, Step } from '#shared/cloudhsm/observation.ts';
import { type JournalStore, LeaseLost, type ReconcilerPorts } from '#shared/cloudhsm/ports.ts';
import { reconcile } from '#shared/cloudhsm/reconcile.ts';
import { keysTag, usersTag } from '#shared/cloudhsm/tags.ts';
import { FakeControlPlane } from './control-plane.ts';
import { testPki } from './test-pki.ts';
import { VirtualClock } from './virtual-clock.ts';

export const subnets = ['subnet-0000000a', 'subnet-0000000b', 'subnet-0000000c'];

export function managed(
  changes: { readonly hsms?: number; readonly phase?: Phase; readonly authority?: 'kms' | 'external'; readonly epoch?: number | undefined } = {},
): Extract<Desired, { source: 'managed' }> {
  return { source: 'managed', deployment: 'test', phase: 'ready', authority: 'kms', hardwareRoots: testPki().roots, hsms: 3, subnets, backupRetentionDays: 90, ...changes };
}

export function cloudHsmClient(endpoint: string, region = 'us-east-1'): CloudHsmClient {
  return createCloudHsmClient({ endpoint, region, credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'test' } });
}

/** Turns by a lease, as the table gives them. */
export class MemoryJournal implements JournalStore {
  journal: Journal = {};
  #owner: symbol | undefined;
  #until = 0;
  read = async () => this.journal;

  async acquire(now: number, durationMs: number) {
    if (this.#owner !== undefined && this.#until > now) return undefined;
    const me = Symbol('driver');
    this.#owner = me;
    this.#until = now + durationMs;
    const save = async (journal: Journal) => {
      if (this.#owner !== me) throw new LeaseLost();
      // What a table keeps.
      this.journal = JSON.parse(JSON.stringify(journal)) as Journal;
    };
    const release = async (journal: Journal) => {
      await save(journal);
      this.#owner = undefined;
    };
    return { journal: this.journal, until: this.#until, save, release };
  }
}

export class MemorySecrets implements SecretStore {
  readonly values = new Map<string, string>();
  read = async (id: string) => this.values.get(id);
  write = async (id: string, value: string) => void this.values.set(id, value);
}

/** Made once for each process: it costs more than all else of a world. */
let keys: KeyPairKeyObjectResult | undefined;
function authorityKeys(): KeyPairKeyObjectResult {
  keys ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return keys;
}

export class MemoryKms {
  readonly #keys = authorityKeys();
  signatures = 0;
  current: 'enabled' | 'disabled' = 'enabled';
  state = async () => this.current;
  publicKeyInfo = async () => this.#keys.publicKey.export({ format: 'der', type: 'spki' });
  disable = async () => {
    this.current = 'disabled';
  };
  sign = async (_: string, message: Uint8Array) => {
    if (this.current === 'disabled') throw new Error('The key is disabled.');
    this.signatures += 1;
    return sign('sha256', message, this.#keys.privateKey);
  };
}

export interface World extends AsyncDisposable {
  readonly fake: FakeControlPlane;
  readonly clock: VirtualClock;
  readonly secrets: MemorySecrets;
  readonly kms: MemoryKms;
  readonly journal: MemoryJournal;
  readonly ports: ReconcilerPorts;
  readonly endpoint: string;
  /** Steps until it is done, stopped, or waits for a person. */
  drive(desired: Desired, stepsMax?: number): Promise<Step>;
}

export async function createWorld(
  options: { readonly authority?: 'kms' | 'external'; readonly region?: string; readonly clock?: VirtualClock; readonly activationLagMs?: number } = {},
): Promise<World> {
  const clock = options.clock ?? new VirtualClock();
  const fake = new FakeControlPlane(clock, options.region);
  const endpoint = await fake.start();
  const [secrets, kms, journal] = [new MemorySecrets(), new MemoryKms(), new MemoryJournal()];
  const authority =
    options.authority === 'external'
      ? createExternalAuthority({ secrets, certificatesSecret: 'certificates', trustAnchorSecret: 'anchor' })
      : createKmsAuthority({ kms, secrets, keyId: 'ca', trustAnchorSecret: 'anchor', deployment: 'test' });
  const ports: ReconcilerPorts = {
    controlPlane: createSdkControlPlane(cloudHsmClient(endpoint, fake.model.region)),
    authority,
    administration: {
      async request({ step, clusterId, epoch }) {
        fake.model.settle();
        if (step === 'activate') return fake.clusters.activate(clusterId, 'secret', options.activationLagMs);
        const { hsms, tags } = fake.clusters.cluster(clusterId);
        if (step === 'create-users') {
          fake.clusters.createUser(clusterId, 'chatelaine');
          tags.set(usersTag, 'created');
        } else {
          if (!hsms.every(({ users }) => users.has('chatelaine'))) throw new Error('The keys have no owner.');
          tags.set(keysTag, String(epoch));
        }
      },
    },
    journal,
    now: clock.now,
    chance: () => 0.5,
  };
  return {
    ...{ fake, clock, secrets, kms, journal, ports, endpoint },
    drive: (desired, stepsMax) => drive(ports, clock, desired, stepsMax),
    [Symbol.asyncDispose]: () => fake.stop(),
  };
}

export async function drive(ports: ReconcilerPorts, clock: VirtualClock, desired: Desired, stepsMax = 1500): Promise<Step> {
  for (let count = 0; count < stepsMax; count++) {
    const step = await reconcile(ports, desired);
    if (step.kind === 'done' || step.kind === 'stopped') return step;
    if (step.kind === 'wait' && step.reason === 'signed-certificate-needed') return step;
    if (step.kind === 'wait') clock.advanceTo(step.until);
    else clock.advance(1000);
  }
  throw new Error(`Neither done nor stopped after ${stepsMax} steps.`);
}
