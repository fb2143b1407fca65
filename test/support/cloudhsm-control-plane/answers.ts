/** Clusters, HSMs and backups as the API shows them. Times are seconds, as in JSON 1.1. */
import type { Backup, Cluster, Hsm, Model } from './model.ts';

const seconds = (ms: number): number => ms / 1000;
const tagList = (tags: ReadonlyMap<string, string>) => [...tags].map(([Key, Value]) => ({ Key, Value }));

export function clusterAnswer(model: Model, cluster: Cluster) {
  return {
    BackupPolicy: 'DEFAULT',
    BackupRetentionPolicy: { Type: 'DAYS', Value: String(cluster.retentionDays) },
    ClusterId: cluster.id,
    CreateTimestamp: seconds(cluster.createdAt),
    Hsms: cluster.hsms.filter(({ state }) => state !== 'DELETED').map((hsm) => hsmAnswer(cluster, hsm)),
    HsmType: cluster.hsmType,
    Mode: cluster.mode,
    NetworkType: 'IPV4',
    ...(cluster.sourceBackupId === undefined ? {} : { SourceBackupId: cluster.sourceBackupId }),
    SecurityGroup: `sg-${cluster.id.slice(-11)}`,
    State: cluster.state,
    SubnetMapping: cluster.subnets,
    VpcId: 'vpc-0123456789abcdef0',
    Certificates: model.certificatesOf(cluster),
    TagList: tagList(cluster.tags),
  };
}

export function hsmAnswer(cluster: Cluster, hsm: Hsm) {
  return { AvailabilityZone: hsm.zone, ClusterId: cluster.id, SubnetId: cluster.subnets[hsm.zone], EniIp: hsm.ip, HsmId: hsm.id, HsmType: cluster.hsmType, State: hsm.state };
}

export function backupAnswer(model: Model, backup: Backup) {
  return {
    BackupId: backup.id,
    BackupArn: `arn:aws:cloudhsm:${model.region}:111122223333:backup/${backup.id}`,
    BackupState: backup.state,
    ClusterId: backup.clusterId,
    CreateTimestamp: seconds(backup.createdAt),
    NeverExpires: backup.neverExpires,
    HsmType: backup.hsmType,
    Mode: backup.mode,
    ...(backup.source === undefined ? {} : { SourceRegion: backup.source.region, SourceBackup: backup.source.backupId, SourceCluster: backup.source.clusterId }),
    TagList: tagList(backup.tags),
  };
}
