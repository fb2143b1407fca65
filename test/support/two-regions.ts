/** One account in several Regions of one deployment. */
import { alice, type InProcess, type Members } from './in-process.ts';
import { synchronize } from './synchronize.ts';

export const frankfurt = { ...alice, region: 'eu-central-1' };
export const dublin = { ...alice, region: 'eu-west-1' };
export const tokyo = { ...alice, region: 'ap-northeast-1' };
type Place = typeof alice;

export interface Metadata extends Record<string, unknown> {
  readonly KeyId: string;
  readonly Arn: string;
  readonly KeyState: string;
}

export const inRegion = (app: InProcess, caller: Place) => ({
  must: (name: string, members: Members) => app.must(name, members, { caller }),
  call: (name: string, members: Members) => app.call(name, members, { caller }),
  describe: async (KeyId: string) => (await app.must('DescribeKey', { KeyId }, { caller })).KeyMetadata as Metadata,
});

export async function primaryKey(app: InProcess, members: Members = {}): Promise<string> {
  return ((await app.must('CreateKey', { MultiRegion: true, ...members }, { caller: dublin })).KeyMetadata as Metadata).KeyId;
}

/** Made and whole. */
export async function replicate(app: InProcess, KeyId: string, place: Place, members: Members = {}): Promise<void> {
  await app.must('ReplicateKey', { KeyId, ReplicaRegion: place.region, ...members }, { caller: dublin });
  await synchronize(app);
}

/** A primary key in Dublin with a replica in Frankfurt. */
export async function replicatedKey(app: InProcess, members: Members = {}): Promise<string> {
  const keyId = await primaryKey(app, members);
  await replicate(app, keyId, frankfurt);
  return keyId;
}
