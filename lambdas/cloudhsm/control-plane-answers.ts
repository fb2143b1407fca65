/** Answers of CloudHSM's API as the reconciler sees them. A state that nobody knows is refused: acting on a guess could make a second cluster. */
import * as z from 'zod';
import { clusterStates, hsmStates, type ObservedBackup, type ObservedCluster } from '#shared/cloudhsm/observation.ts';

const tagList = z
  .array(z.object({ Key: z.string(), Value: z.string() }))
  .optional()
  .transform((tags = []) => Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])));

const cluster = z
  .object({
    ClusterId: z.string(),
    State: z.enum(clusterStates),
    HsmType: z.string(),
    Mode: z.string().optional(),
    SourceBackupId: z.string().optional(),
    SecurityGroup: z.string().optional(),
    SubnetMapping: z.record(z.string(), z.string()).optional(),
    Hsms: z.array(z.object({ HsmId: z.string(), AvailabilityZone: z.string().optional(), State: z.enum(hsmStates) })).optional(),
    TagList: tagList,
    Certificates: z
      .object({ ClusterCsr: z.string(), HsmCertificate: z.string(), AwsHardwareCertificate: z.string(), ManufacturerHardwareCertificate: z.string() })
      .partial()
      .optional(),
  })
  .transform(
    ({ ClusterId, State, HsmType, Mode, SourceBackupId, SecurityGroup, SubnetMapping = {}, Hsms = [], TagList, Certificates = {} }): ObservedCluster => ({
      id: ClusterId,
      state: State,
      hsmType: HsmType,
      mode: Mode,
      sourceBackupId: SourceBackupId,
      securityGroupId: SecurityGroup,
      subnets: SubnetMapping,
      hsms: Hsms.map((hsm) => ({ id: hsm.HsmId, zone: hsm.AvailabilityZone ?? '', state: hsm.State })),
      tags: TagList,
      certificates: {
        hsm: Certificates.HsmCertificate,
        awsHardware: Certificates.AwsHardwareCertificate,
        manufacturerHardware: Certificates.ManufacturerHardwareCertificate,
        signingRequest: Certificates.ClusterCsr,
      },
    }),
  );

export const clustersPage = z.object({ Clusters: z.array(cluster).optional(), NextToken: z.string().optional() });

/** A backup with what the guardian of backups asks of it. */
export interface SeenBackup extends ObservedBackup {
  readonly clusterId: string | undefined;
  /** Milliseconds. A copy is as old as what it was copied from. */
  readonly createdAt: number;
  readonly neverExpires: boolean;
  readonly sourceBackupId: string | undefined;
}

const backup = z
  .object({
    BackupId: z.string(),
    BackupState: z.enum(['CREATE_IN_PROGRESS', 'READY', 'DELETED', 'PENDING_DELETION']),
    ClusterId: z.string().optional(),
    SourceCluster: z.string().optional(),
    CreateTimestamp: z.number().optional(),
    NeverExpires: z.boolean().optional(),
    SourceBackup: z.string().optional(),
    HsmType: z.string().optional(),
    Mode: z.string().optional(),
  })
  .transform(
    (seen): SeenBackup => ({
      id: seen.BackupId,
      state: seen.BackupState,
      hsmType: seen.HsmType,
      mode: seen.Mode,
      clusterId: seen.SourceCluster ?? seen.ClusterId,
      createdAt: (seen.CreateTimestamp ?? 0) * 1000,
      neverExpires: seen.NeverExpires ?? false,
      sourceBackupId: seen.SourceBackup,
    }),
  );

export const backupsPage = z.object({ Backups: z.array(backup).optional(), NextToken: z.string().optional() });
