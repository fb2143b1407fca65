/** Where the HSM of the deployment's own bridge comes from. */
import * as z from 'zod';
import { isPrincipalArn } from '#shared/policy/principal-names.ts';
import { imageSchema } from './image-config.ts';

const clusterId = z.string().regex(/^cluster-[2-7a-zA-Z]{11,16}$/);
const secretArn = z.string().regex(/^arn:[a-z-]+:secretsmanager:/);

/** Where copies of the backups go. A Region of the same partition, and not the deployment's own. */
const backups = {
  secondRegion: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/)
    .optional(),
};
/** A cluster that this deployment keeps. */
const kept = {
  ...backups,
  hsms: z.int().min(1).max(6),
  backupRetentionDays: z.int().min(7).max(379).default(90),
  /** Who may delete HSMs, clusters and backups, with MFA. Nobody and nothing else of the deployment may. */
  breakGlassPrincipals: z.array(z.string().refine(isPrincipalArn, 'is not the ARN of a principal')).max(10).default([]),
};
/** What came with a cluster that was initialised elsewhere: the trust anchor, and JSON with `username` and `password` of the bridge's crypto user. */
const secrets = { trustAnchorSecretArn: secretArn, pinSecretArn: secretArn };

export const hsmConfigSchema = z.discriminatedUnion('source', [
  /** SoftHSM inside the bridge's container: development only, keys die with the task. */
  z.strictObject({ source: z.literal('softhsm') }),
  /** A cluster that somebody else looks after. */
  z.strictObject({
    source: z.literal('existing'),
    clusterId,
    /** How many it has. */
    hsms: z.int().min(1).max(28).default(3),
    ...secrets,
    ...backups,
  }),
  /** A cluster that this deployment makes and keeps. */
  z.strictObject({
    source: z.literal('managed'),
    ...kept,
    /** A folder with `aws.pem` and `manufacturer.pem`: the roots that the HSM's hardware is verified against (docs/cloudhsm.md). */
    hardwareRoots: z.string().min(1),
    /** Who signs the cluster's certificate: a key in AWS KMS that is switched off afterwards, or somebody outside. */
    pki: z.enum(['kms', 'external']).default('kms'),
    /** The bridge's image holds the CloudHSM client, which activates the cluster and makes its users and keys. Absent: the image of the bridge on Fargate. */
    administratorImage: imageSchema.optional(),
  }),
  /** A cluster made from a backup. */
  z.strictObject({ source: z.literal('restore'), ...kept, ...secrets, backupId: z.string().regex(/^backup-[2-7a-zA-Z]{11,16}$/) }),
]);
export type HsmConfig = z.output<typeof hsmConfigSchema>;
export type ClusterConfig = Exclude<HsmConfig, { readonly source: 'softhsm' }>;
export type ManagedConfig = Extract<HsmConfig, { readonly source: 'managed' }>;

/** The client of CloudHSM uses keys that are on two HSMs: with two, the loss of one would stop every process that starts (docs/cloudhsm.md). */
export const hasFewHsms = (hsms: number): boolean => hsms < 3;

/** The ports of an HSM. */
export const hsmPorts = { from: 2223, to: 2225 };
