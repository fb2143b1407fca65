import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCloudHsmClient } from '#lambdas/cloudhsm/cloudhsm-client.ts';
import { FakeControlPlane } from '#test/support/cloudhsm-control-plane/control-plane.ts';
import { day, minute } from '#test/support/cloudhsm-control-plane/model.ts';
import { cloudHsmClient, createWorld, managed, type World } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';
import { requests } from '#test/support/cloudhsm-control-plane/requests.ts';

let world: World;
let second: FakeControlPlane;
beforeEach(async () => {
  world = await createWorld();
  second = new FakeControlPlane(world.clock, 'eu-west-1');
  world.fake.connect(second);
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** As the SDK would send it; this version of the SDK has no commands for some of the operations. */
async function raw(operation: string, input: object, scope = 'us-east-1/cloudhsm'): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(world.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `BaldrApiService.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=AKID/20261124/${scope}/aws4_request, SignedHeaders=host;x-amz-target, Signature=00`,
    },
    body: JSON.stringify(input),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const cluster = { HsmType: 'hsm2m.medium', Mode: 'FIPS', SubnetIds: ['subnet-0000000a', 'subnet-0000000b'] };

describe('the fake control plane', () => {
  test('has all 18 operations, each over HTTP', async () => {
    await world.drive(managed({ hsms: 2 }));
    world.clock.advance(hoursUntilReady);
    world.fake.model.settle();
    const [{ id: ClusterId, hsms }] = world.fake.model.clusters as [World['fake']['model']['clusters'][number]];
    const BackupId = world.fake.model.backups[0]!.id;
    const ResourceArn = `arn:aws:cloudhsm:us-east-1:111122223333:backup/${BackupId}`;
    const tag = { Key: 'a', Value: 'b' };
    const calls: Record<string, object> = {
      DescribeClusters: {},
      DescribeBackups: {},
      ModifyCluster: { ClusterId, BackupRetentionPolicy: { Type: 'DAYS', Value: '30' } },
      TagResource: { ResourceId: ClusterId, TagList: [tag] },
      ListTags: { ResourceId: ClusterId },
      UntagResource: { ResourceId: ClusterId, TagKeyList: ['a'] },
      PutResourcePolicy: { ResourceArn, Policy: '{}' },
      GetResourcePolicy: { ResourceArn },
      DeleteResourcePolicy: { ResourceArn },
      ModifyBackupAttributes: { BackupId, NeverExpires: true },
      CopyBackupToRegion: { BackupId, DestinationRegion: 'eu-west-1' },
      DeleteBackup: { BackupId },
      RestoreBackup: { BackupId },
      DeleteHsm: { ClusterId, HsmId: hsms[0]!.id },
    };
    for (const [operation, input] of Object.entries(calls)) expect([operation, (await raw(operation, input)).status]).toEqual([operation, 200]);
    // The reconciler made the other calls that succeed; this one is refused while HSMs are there.
    expect((await raw('DeleteCluster', { ClusterId })).body).toMatchObject({ __type: 'CloudHsmInvalidRequestException' });

    const seen = new Set([...Object.keys(calls), 'DeleteCluster', ...world.fake.changes.map(({ operation }) => operation)]);
    expect([...seen].toSorted()).toEqual(Object.keys(requests).toSorted());
    expect(Object.keys(requests)).toHaveLength(18);
  });

  test.each([
    ['another type of HSM', 'CreateCluster', { ...cluster, HsmType: 'hsm1.medium' }, 'Provided HsmType is not supported'],
    ['no mode', 'CreateCluster', { HsmType: cluster.HsmType, SubnetIds: cluster.SubnetIds }, 'Mode is a required argument'],
    ['two subnets of one zone', 'CreateCluster', { ...cluster, SubnetIds: ['subnet-0000000a', 'subnet-0000000a'] }, 'Only one subnet'],
    ['a subnet that is not there', 'CreateCluster', { ...cluster, SubnetIds: ['subnet-99999999'] }, 'do not exist'],
    ['a member that is not there', 'CreateCluster', { ...cluster, Colour: 'red' }, 'Colour'],
    ['a retention that is too short', 'CreateCluster', { ...cluster, BackupRetentionPolicy: { Type: 'DAYS', Value: '6' } }, '7 to 379'],
    ['an HSM of no cluster', 'CreateHsm', { ClusterId: 'cluster-aaaaaaaaaaa', AvailabilityZone: 'us-east-1a' }, 'does not exist'],
  ])('refuses %s', async (_, operation, input, message) => {
    const { status, body } = await raw(operation, input);

    expect([status, String(body.Message)]).toEqual([400, expect.stringContaining(message)]);
  });

  test('refuses a second HSM before activation, and one while the cluster is being made', async () => {
    const { body } = await raw('CreateCluster', cluster);
    const { ClusterId } = body.Cluster as { ClusterId: string };
    const early = await raw('CreateHsm', { ClusterId, AvailabilityZone: 'us-east-1a' });
    world.clock.advance(5 * minute);
    await raw('CreateHsm', { ClusterId, AvailabilityZone: 'us-east-1a' });
    const again = await raw('CreateHsm', { ClusterId, AvailabilityZone: 'us-east-1b' });

    expect([early.body.Message, again.body.Message]).toEqual([expect.stringContaining('CREATE_IN_PROGRESS'), expect.stringContaining('not yet been fully activated')]);
  });

  test('refuses a signature for another service, and what is no operation', async () => {
    expect((await raw('DescribeClusters', {}, 'us-east-1/cloudhsmv2')).body.__type).toBe('InvalidSignatureException');
    expect((await raw('DropEverything', {})).body.__type).toBe('UnknownOperationException');
  });
});

describe('the client', () => {
  test('sends a request once, also when its answer is lost: the cluster is not made twice', async () => {
    world.fake.upsets.push('lose-answer');

    await expect(cloudHsmClient(world.endpoint).send('CreateCluster', cluster)).rejects.toMatchObject({ name: 'ControlPlaneError', kind: 'lost' });

    expect(world.fake.model.clusters).toHaveLength(1);
  });

  test.each([
    ['throttle', 'throttled'],
    ['break', 'failed'],
    ['lose-request', 'lost'],
  ] as const)('tells what became of a call: %s is %s', async (upset, kind) => {
    world.fake.upsets.push(upset);

    await expect(cloudHsmClient(world.endpoint).send('DescribeClusters', {})).rejects.toMatchObject({ kind });
  });

  test('a denial and a refusal are told apart', async () => {
    const elsewhere = createCloudHsmClient({ endpoint: world.endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'AKID', secretAccessKey: 'test' } });

    await expect(elsewhere.send('DescribeClusters', {})).rejects.toMatchObject({ kind: 'denied' });
    await expect(cloudHsmClient(world.endpoint).send('CreateCluster', { ...cluster, Mode: undefined })).rejects.toMatchObject({ kind: 'refused' });
  });

  test('shows the mode, which this version of the SDK drops', async () => {
    await world.drive(managed({ phase: 'initialised' }));

    expect(await world.ports.controlPlane.findClusters({ deployment: 'test' })).toMatchObject([{ mode: 'FIPS', hsmType: 'hsm2m.medium' }]);
  });

  test('follows pages: a cluster behind fifty others is found', async () => {
    for (let count = 0; count < 50; count++) await raw('CreateCluster', cluster);
    await raw('CreateCluster', { ...cluster, TagList: [{ Key: 'chatelaine:deployment', Value: 'test' }] });

    expect(await world.ports.controlPlane.findClusters({ deployment: 'test' })).toHaveLength(1);
  });
});

const hoursUntilReady = day / 24;
