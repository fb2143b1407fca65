/** Where the HSM of the deployment's own bridge comes from. */
import * as z from 'zod';

const clusterId = z.string().regex(/^cluster-[2-7a-zA-Z]{11,16}$/);

export const hsmConfigSchema = z.discriminatedUnion('source', [
  /** SoftHSM inside the bridge's container: development only, keys die with the task. */
  z.strictObject({ source: z.literal('softhsm') }),
  /** A cluster that somebody else looks after. */
  z.strictObject({ source: z.literal('existing'), clusterId }),
  /** A cluster that this deployment makes and keeps. */
  z.strictObject({ source: z.literal('managed'), hsms: z.int().min(1).max(6) }),
  /** A cluster made from a backup. */
  z.strictObject({ source: z.literal('restore'), hsms: z.int().min(1).max(6), backupId: z.string().regex(/^backup-[2-7a-zA-Z]{11,16}$/) }),
]);
