import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ControlPlaneError, type HsmAdministration } from '#shared/cloudhsm/ports.ts';
import { preview, reconcile } from '#shared/cloudhsm/reconcile.ts';
import { minute } from '#test/support/cloudhsm-control-plane/model.ts';
import { createWorld, drive, managed } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';
import { issue, testPki } from '#test/support/cloudhsm-control-plane/test-pki.ts';

const names = (changes: readonly { readonly operation: string }[]) => changes.map(({ operation }) => operation);

describe('a cluster from nothing', () => {
  test('comes up in the order that CloudHSM demands, spread over the zones, with users on every HSM and the authority switched off', async () => {
    await using world = await createWorld();

    const step = await world.drive(managed());

    const [cluster] = world.fake.model.clusters;
    expect(step).toEqual({ kind: 'done', clusterId: cluster!.id, notices: [] });
    expect(names(world.fake.changes)).toEqual(['CreateCluster', 'CreateHsm', 'InitializeCluster', 'CreateHsm', 'CreateHsm']);
    expect(cluster!.hsms.map(({ zone, state }) => [zone, state])).toEqual(['us-east-1a', 'us-east-1b', 'us-east-1c'].map((zone) => [zone, 'ACTIVE']));
    for (const { users } of cluster!.hsms) expect([...users]).toEqual(['admin', 'chatelaine']);
    expect([cluster!.mode, cluster!.hsmType, cluster!.retentionDays]).toEqual(['FIPS', 'hsm2m.medium', 90]);
    expect(world.kms.current).toBe('disabled');
  });

  test('its trust anchor is stored, self-signed, valid for ten years, and used for one signature beside its own', async () => {
    await using world = await createWorld();

    await world.drive(managed({ phase: 'initialised' }));

    const anchor = new X509Certificate(world.secrets.values.get('anchor')!);
    expect(world.fake.model.clusters[0]!.trustAnchor).toBe(world.secrets.values.get('anchor'));
    expect(anchor.verify(anchor.publicKey)).toBe(true);
    expect(Date.parse(anchor.validTo) - world.clock.now()).toBeGreaterThan(3650 * 24 * 60 * minute);
    expect(world.kms.signatures).toBe(2);
  });

  test.each([
    ['initialised', 'INITIALIZED', 1],
    ['active', 'ACTIVE', 1],
    ['scaled', 'ACTIVE', 3],
  ] as const)('a custom resource of phase %s goes so far and no further', async (phase, state, hsms) => {
    await using world = await createWorld();

    await world.drive(managed({ phase }));

    expect([world.fake.model.clusters[0]!.state, world.fake.model.clusters[0]!.hsms.length]).toEqual([state, hsms]);
    expect(world.fake.model.clusters[0]!.hsms.some(({ users }) => users.has('chatelaine'))).toBe(false);
  });

  test('the control plane shows the activation four minutes late: nothing is activated twice and no HSM is asked for too early', async () => {
    await using world = await createWorld({ activationLagMs: 4 * minute });
    const steps: string[] = [];
    const administration: HsmAdministration = {
      async request(request) {
        steps.push(request.step);
        await world.ports.administration.request(request);
      },
    };

    await drive({ ...world.ports, administration }, world.clock, managed());

    expect(steps).toEqual(['activate', 'create-users']);
    expect(names(world.fake.changes).filter((name) => name === 'CreateHsm')).toHaveLength(3);
  });
});

describe('the domain keys', () => {
  test('of the first epoch come last, those of a later epoch when it is asked for, and none without an epoch', async () => {
    await using world = await createWorld();
    const requests: unknown[] = [];
    const administration: HsmAdministration = {
      async request(request) {
        requests.push([request.step, request.epoch]);
        await world.ports.administration.request(request);
      },
    };
    const ports = { ...world.ports, administration };

    await drive(ports, world.clock, managed());
    await drive(ports, world.clock, managed({ epoch: 1 }));
    await drive(ports, world.clock, managed({ epoch: 1 }));
    const last = await drive(ports, world.clock, managed({ epoch: 3 }));

    expect(last.kind).toBe('done');
    expect(requests).toEqual([
      ['activate', undefined],
      ['create-users', undefined],
      ['create-keys', 1],
      ['create-keys', 3],
    ]);
  });

  test('are not made by a step that goes only as far as the HSMs', async () => {
    await using world = await createWorld();

    await world.drive(managed({ phase: 'scaled', epoch: 1 }));

    expect([...world.fake.model.clusters[0]!.tags.keys()]).not.toContain('chatelaine:keys');
  });

  test('that no task reports are asked for five times, and given up by name', async () => {
    await using world = await createWorld();
    await world.drive(managed());
    let asked = 0;
    const administration: HsmAdministration = { request: async () => void asked++ };

    const step = await drive({ ...world.ports, administration }, world.clock, managed({ epoch: 1 }));

    expect(step).toMatchObject({ kind: 'stopped', reason: 'no-effect', detail: expect.stringContaining('create-keys') });
    expect(asked).toBe(5);
  });
});

describe('hardware that is not genuine', () => {
  test('stops before anything is signed', async () => {
    await using world = await createWorld();
    const { identities, roots } = testPki();
    const desired = {
      ...managed(),
      hardwareRoots: { ...roots, aws: issue({ name: 'AWS CloudHSM root', key: identities.authority.key }, { name: 'AWS CloudHSM root', key: identities.authority.key }) },
    };

    const step = await world.drive(desired);

    expect(step).toMatchObject({
      kind: 'stopped',
      reason: 'hardware-not-genuine',
      detail: expect.stringContaining("AWS's hardware certificate is not issued by the configured root"),
    });
    expect(world.kms.signatures).toBe(0);
    expect(names(world.fake.changes)).not.toContain('InitializeCluster');
  });
});

describe('an authority outside', () => {
  const certificates = () => {
    const { identities } = testPki();
    const { authority, hsm } = identities;
    return { trustAnchor: issue(authority, authority), signedCertificate: issue({ name: 'cluster', key: hsm.key }, authority, { isAuthority: false }) };
  };

  test('is waited for by name, for weeks if need be, and the certificate that comes is used', async () => {
    await using world = await createWorld({ authority: 'external' });
    const desired = managed({ authority: 'external' });

    const first = await world.drive(desired);
    world.clock.advance(20 * 24 * 60 * minute);
    const later = await world.drive(desired);
    world.secrets.values.set('certificates', JSON.stringify(certificates()));
    const last = await world.drive(desired);

    expect([first, later]).toMatchObject([{ reason: 'signed-certificate-needed' }, { reason: 'signed-certificate-needed' }]);
    expect(last.kind).toBe('done');
    expect(world.secrets.values.get('anchor')).toBe(certificates().trustAnchor);
  });

  test.each([
    [
      'for another key',
      () => ({ ...certificates(), signedCertificate: issue({ name: 'cluster', key: testPki().identities.hardware.key }, testPki().identities.authority) }),
      'for another key',
    ],
    ['of another issuer', () => ({ ...certificates(), trustAnchor: testPki().roots.aws }), 'not issued by the trust anchor'],
    ['whose anchor is no root', () => ({ ...certificates(), trustAnchor: testPki().shown.awsHardware }), 'not a self-signed root'],
    ['that is no JSON', () => '{', 'PEM'],
  ])('a certificate %s is refused by name and never sent', async (_, value, detail) => {
    await using world = await createWorld({ authority: 'external' });
    const text = value();
    world.secrets.values.set('certificates', typeof text === 'string' ? text : JSON.stringify(text));

    const step = await world.drive(managed({ authority: 'external' }));

    expect(step).toMatchObject({ kind: 'stopped', reason: 'signed-certificate-unusable' });
    if (typeof text !== 'string') expect(step).toMatchObject({ detail: expect.stringContaining(detail) });
    expect(names(world.fake.changes)).toEqual(['CreateCluster', 'CreateHsm']);
  });
});

describe('faults of the service', () => {
  test('an HSM that is lost is replaced in its zone, and the degraded one stays for a person to delete', async () => {
    await using world = await createWorld();
    await world.drive(managed());
    const [cluster] = world.fake.model.clusters;
    cluster!.hsms[1]!.state = 'DEGRADED';

    const step = await world.drive(managed());

    expect(cluster!.hsms.map(({ zone, state }) => [zone, state])).toEqual([
      ['us-east-1a', 'ACTIVE'],
      ['us-east-1b', 'DEGRADED'],
      ['us-east-1c', 'ACTIVE'],
      ['us-east-1b', 'ACTIVE'],
    ]);
    expect([...cluster!.hsms[3]!.users]).toEqual(['admin', 'chatelaine']);
    expect(step).toMatchObject({ kind: 'done', notices: [expect.stringContaining('is degraded')] });
  });

  test('a zone without capacity is passed over while another zone has room for its share', async () => {
    await using world = await createWorld();
    world.fake.faults.zonesWithoutCapacity.add('us-east-1a');

    const step = await world.drive(managed({ hsms: 2 }));

    expect(step.kind).toBe('done');
    expect(world.fake.model.clusters[0]!.hsms.map(({ zone }) => zone)).toEqual(['us-east-1b', 'us-east-1c']);
  });

  test('when a zone that is needed stays without capacity it stops by name, without two HSMs in one zone, and goes on when there is capacity', async () => {
    await using world = await createWorld();
    world.fake.faults.zonesWithoutCapacity.add('us-east-1c');

    const stuck = await world.drive(managed());
    world.fake.faults.zonesWithoutCapacity.clear();
    world.journal.journal = {};
    const last = await world.drive(managed());

    expect(stuck).toMatchObject({ kind: 'stopped' });
    expect(last.kind).toBe('done');
    expect(world.fake.model.clusters[0]!.hsms.map(({ zone }) => zone)).toEqual(['us-east-1a', 'us-east-1b', 'us-east-1c']);
  });

  test('a throttled control plane is asked less and less often, and nothing is lost', async () => {
    await using world = await createWorld();
    world.fake.upsets.push(...Array.from({ length: 12 }, () => 'throttle' as const));
    const pauses: number[] = [];
    for (let count = 0; count < 12; count++) {
      const step = await reconcile(world.ports, managed());
      if (step.kind !== 'wait') throw new Error(`unexpected ${step.kind}`);
      expect(step.reason).toBe('throttled');
      pauses.push(step.until - world.clock.now());
      world.clock.advanceTo(step.until);
    }

    const last = await world.drive(managed());

    expect(pauses.every((pause, at) => at === 0 || pause >= pauses[at - 1]!)).toBe(true);
    expect([pauses[0], pauses.at(-1)]).toEqual([1500, 225_000]);
    expect(last.kind).toBe('done');
  });

  test('a role that may not is told so at once', async () => {
    await using world = await createWorld();
    const createHsm = () => Promise.reject(new ControlPlaneError('denied', 'CreateHsm: AccessDeniedException'));
    const ports = { ...world.ports, controlPlane: { ...world.ports.controlPlane, createHsm } };

    const step = await drive(ports, world.clock, managed());

    expect(step).toMatchObject({ kind: 'stopped', reason: 'not-allowed' });
  });

  test('a new cluster that is not shown for eight minutes is not made a second time', async () => {
    await using world = await createWorld();
    world.fake.faults.invisibleMs = 8 * minute;

    const step = await world.drive(managed({ hsms: 1 }));

    expect(step.kind).toBe('done');
    expect(names(world.fake.changes).filter((name) => name === 'CreateCluster')).toHaveLength(1);
  });

  test('what never ends is given up by name', async () => {
    await using world = await createWorld();
    await world.drive(managed({ phase: 'initialised', hsms: 1 }));
    const { model } = world.fake;
    model.clusters[0]!.state = 'MODIFY_IN_PROGRESS';

    const step = await world.drive(managed());

    expect(step).toMatchObject({ kind: 'stopped', reason: 'waited-too-long', detail: expect.stringContaining('cluster-changes') });
  });
});

describe('drivers', () => {
  test('two at once take turns: one works, the other is told to wait', async () => {
    await using world = await createWorld();

    const steps = await Promise.all([reconcile(world.ports, managed()), reconcile(world.ports, managed())]);

    expect(steps.map((step) => (step.kind === 'wait' ? step.reason : step.kind)).sort()).toEqual(['act', 'another-driver-works']);
    expect(world.fake.changes).toHaveLength(1);
  });

  test('a preview changes nothing', async () => {
    await using world = await createWorld();

    const { step } = await preview(world.ports, managed());

    expect(step).toEqual({ kind: 'act', action: { kind: 'create-cluster' } });
    expect(world.fake.changes).toEqual([]);
    expect(world.journal.journal).toEqual({});
  });

  test("a cluster of another deployment is nobody's business here", async () => {
    await using world = await createWorld();
    await world.drive({ ...managed({ phase: 'initialised' }), deployment: 'other' });

    const { step } = await preview(world.ports, managed());

    expect(step).toEqual({ kind: 'act', action: { kind: 'create-cluster' } });
  });
});

describe('an existing cluster', () => {
  test('is looked at and never changed', async () => {
    await using world = await createWorld();
    await world.drive(managed({ hsms: 1 }));
    const [cluster] = world.fake.model.clusters;
    const changes = world.fake.changes.length;
    const existing = { source: 'existing', deployment: 'other', phase: 'ready', clusterId: cluster!.id } as const;

    const good = await world.drive(existing);
    cluster!.hsms[0]!.state = 'DEGRADED';
    const without = await world.drive(existing);
    const missing = await world.drive({ ...existing, clusterId: 'cluster-aaaaaaaaaaa' });

    expect(good).toMatchObject({ kind: 'done', clusterId: cluster!.id });
    expect([without, missing]).toMatchObject([{ reason: 'cluster-without-hsm' }, { reason: 'cluster-not-found' }]);
    expect(world.fake.changes).toHaveLength(changes);
  });
});
