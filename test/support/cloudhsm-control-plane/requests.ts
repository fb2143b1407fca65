/** The input of each of the 18 operations with the bounds of the service model (botocore cloudhsmv2, 2017-04-28). A member that is not there is refused. */
import * as z from 'zod';

const clusterId = z.string().regex(/^cluster-[2-7a-zA-Z]{11,16}$/);
const backupId = z.string().regex(/^backup-[2-7a-zA-Z]{11,16}$/);
const hsmId = z.string().regex(/^hsm-[2-7a-zA-Z]{11,16}$/);
const subnetId = z.string().regex(/^subnet-[0-9a-fA-F]{8,17}$/);
const zone = z.string().regex(/^[a-z]{2}(-(gov))?-(east|west|north|south|central){1,2}-\d[a-z]$/);
const resourceId = z.string().regex(/^(?:cluster|backup)-[2-7a-zA-Z]{11,16}$/);
const resourceArn = z.string().min(20).max(2048);
const key = z
  .string()
  .min(1)
  .max(128)
  .regex(/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u);
const tags = z
  .array(z.strictObject({ Key: key, Value: z.string().max(256) }))
  .min(1)
  .max(50);
const retention = z.strictObject({
  Type: z.literal('DAYS').optional(),
  Value: z
    .string()
    .regex(/^[0-9]{1,3}$/)
    .optional(),
});
const page = (most: number) => ({ NextToken: z.string().max(256).optional(), MaxResults: z.int().min(1).max(most).optional() });
const filters = z.record(z.string(), z.array(z.string())).optional();
const pem = z.string().max(20_000);

export const requests = {
  CopyBackupToRegion: z.strictObject({ DestinationRegion: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/), BackupId: backupId, TagList: tags.optional() }),
  CreateCluster: z.strictObject({
    BackupRetentionPolicy: retention.optional(),
    HsmType: z
      .string()
      .max(32)
      .regex(/^((p|)hsm[0-9][a-z.]*\.[a-zA-Z]+)$/),
    SourceBackupId: backupId.optional(),
    SubnetIds: z.array(subnetId).min(1).max(10),
    NetworkType: z.enum(['IPV4', 'DUALSTACK']).optional(),
    TagList: tags.optional(),
    Mode: z.enum(['FIPS', 'NON_FIPS']).optional(),
  }),
  CreateHsm: z.strictObject({ ClusterId: clusterId, AvailabilityZone: zone, IpAddress: z.ipv4().optional() }),
  DeleteBackup: z.strictObject({ BackupId: backupId }),
  DeleteCluster: z.strictObject({ ClusterId: clusterId }),
  DeleteHsm: z.strictObject({ ClusterId: clusterId, HsmId: hsmId.optional(), EniId: z.string().optional(), EniIp: z.string().optional() }),
  DeleteResourcePolicy: z.strictObject({ ResourceArn: resourceArn.optional() }),
  DescribeBackups: z.strictObject({ ...page(50), Filters: filters, Shared: z.boolean().optional(), SortAscending: z.boolean().optional() }),
  DescribeClusters: z.strictObject({ ...page(25), Filters: filters }),
  GetResourcePolicy: z.strictObject({ ResourceArn: resourceArn.optional() }),
  InitializeCluster: z.strictObject({ ClusterId: clusterId, SignedCert: pem, TrustAnchor: pem }),
  ListTags: z.strictObject({ ResourceId: resourceId, ...page(50) }),
  ModifyBackupAttributes: z.strictObject({ BackupId: backupId, NeverExpires: z.boolean() }),
  ModifyCluster: z.strictObject({ ClusterId: clusterId, HsmType: z.string().max(32).optional(), BackupRetentionPolicy: retention.optional() }),
  PutResourcePolicy: z.strictObject({ ResourceArn: resourceArn.optional(), Policy: z.string().min(1).max(20_000).optional() }),
  RestoreBackup: z.strictObject({ BackupId: backupId }),
  TagResource: z.strictObject({ ResourceId: resourceId, TagList: tags }),
  UntagResource: z.strictObject({ ResourceId: resourceId, TagKeyList: z.array(key).min(1).max(50) }),
} as const;

export type OperationName = keyof typeof requests;
export type Request<Name extends OperationName> = z.output<(typeof requests)[Name]>;

export const readOnly: ReadonlySet<OperationName> = new Set(['DescribeBackups', 'DescribeClusters', 'GetResourcePolicy', 'ListTags']);
export const deleting: ReadonlySet<OperationName> = new Set(['DeleteBackup', 'DeleteCluster', 'DeleteHsm', 'DeleteResourcePolicy', 'UntagResource']);
