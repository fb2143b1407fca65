/** Replicas for the sample requests, of a key that was made in alice's Region. */
import { alice, type InProcess, type Members } from './in-process.ts';
import { synchronize } from './synchronize.ts';

let regions = 0;

const elsewhere = { ...alice, region: 'eu-sample-0' };

/** The Regions of the set, once its primary key is where it was made. */
async function primaryAtHome(app: InProcess, KeyId: string): Promise<readonly string[]> {
  await synchronize(app);
  const { MultiRegionConfiguration } = (await app.must('DescribeKey', { KeyId })).KeyMetadata as {
    MultiRegionConfiguration: { PrimaryKey: { Region: string }; ReplicaKeys: { Region: string }[] };
  };
  const { PrimaryKey, ReplicaKeys } = MultiRegionConfiguration;
  if (PrimaryKey.Region !== alice.region) {
    await app.must('UpdatePrimaryRegion', { KeyId, PrimaryRegion: alice.region }, { caller: elsewhere });
    await synchronize(app);
  }
  return [PrimaryKey, ...ReplicaKeys].map(({ Region }) => Region);
}

/** The Region of a replica that is ready. */
export async function existingReplica(app: InProcess, KeyId: string): Promise<string> {
  if (!(await primaryAtHome(app, KeyId)).includes(elsewhere.region)) {
    await app.must('ReplicateKey', { KeyId, ReplicaRegion: elsewhere.region });
    await synchronize(app);
  }
  return elsewhere.region;
}

export async function newReplica(app: InProcess, KeyId: string, Policy: string): Promise<Members> {
  await primaryAtHome(app, KeyId);
  return { KeyId, ReplicaRegion: `eu-sample-${++regions}`, Description: 'sample', Tags: [{ TagKey: 'team', TagValue: 'sample' }], Policy };
}
