/**
 * What each kind of Lambda function finds in its environment. The stacks set it and the functions read it by the same schema, so that a variable
 * that one side forgets does not compile or stops the function at its start.
 */
import * as z from 'zod';
import { administrationSteps } from '../cloudhsm/administration-event.ts';

const text = z.string().min(1).max(2048);

/** The record store: physical names of the three tables. */
const tables = { CHATELAINE_TABLE_CORE: text, CHATELAINE_TABLE_MATERIAL: text, CHATELAINE_TABLE_OPS: text };
/** Where audit records go: the bus, and the queue for when the bus is down. */
const audit = { CHATELAINE_EVENT_BUS: text, CHATELAINE_AUDIT_QUEUE_URL: text };
/** `https://host:port` of the HSM bridge, the name that its certificate carries when that is not the host, and the secret that holds the client certificate. */
const bridge = { CHATELAINE_BRIDGE_URL: text, CHATELAINE_BRIDGE_SERVER_NAME: text.optional(), CHATELAINE_BRIDGE_SECRET: text };
/** The bridges of custom key stores: shared/env/key-store-environment.ts. */
const keyStores = { CHATELAINE_KEY_STORES: z.string().min(1).max(4096).optional() };
const partition = { CHATELAINE_PARTITION: text };
/** Events of any other API are refused (docs/adr/0013). */
const api = { CHATELAINE_API_ID: text };
/** Beginning of the ARNs of the custodian's sessions, where destructive operations are theirs alone (shared/policy/custodian.ts). */
const custodian = { CHATELAINE_CUSTODIAN_SESSIONS: text.optional() };

/** Made when it is asked for: a function needs one of them, and pays for it at its cold start. */
export const functionEnvironments = {
  operation: () =>
    z.object({
      CHATELAINE_OPERATION: text,
      ...api,
      ...partition,
      ...tables,
      ...audit,
      ...bridge,
      ...keyStores,
      ...custodian,
      /** ARNs of the first administrators, separated by commas (shared/policy/administrators.ts). */
      CHATELAINE_ADMINISTRATORS: z.string().max(4096).optional(),
      /** Roots of attestation documents, where they are not AWS's (shared/attestation/trusted-roots.ts). */
      CHATELAINE_ATTESTATION_ROOTS: z.string().max(1024).optional(),
      // Operations that touch neither keys nor rows under a seal have no certificate.
      CHATELAINE_BRIDGE_SECRET: text.optional(),
    }),
  wire: () =>
    z.object({
      ...api,
      ...partition,
      ...audit,
      CHATELAINE_FUNCTION_PREFIX: text,
      ...custodian,
    }),
  sweep: () => z.object({ ...tables, CHATELAINE_TASK_QUEUE_URL: text }),
  dueTask: () => z.object({ ...partition, ...tables, ...audit, ...bridge, ...keyStores }),
  outboxPublisher: () => z.object({ ...tables, CHATELAINE_EVENT_BUS: text }),
  certificateAuthority: () =>
    z.object({
      /** ARNs of the authority's keys in AWS KMS, separated by commas: the first one issues, all are trusted. */
      CHATELAINE_AUTHORITY_KEYS: text,
      /** The bridge's own certificate: its secret, and the names that it carries, separated by commas. */
      CHATELAINE_BRIDGE_CERTIFICATE_SECRET: text,
      CHATELAINE_BRIDGE_NAMES: text,
      /** `class=ARN of the secret`, separated by commas. */
      CHATELAINE_CLIENT_CERTIFICATE_SECRETS: text,
      CHATELAINE_CERTIFICATE_DAYS: text,
    }),
  auditArchiver: () => z.object({ CHATELAINE_ARCHIVE_BUCKET: text }),
  hsmResource: () => z.object({ CHATELAINE_DEPLOYMENT: text }),
  /** The settings as JSON (shared/cloudhsm/settings.ts), and the folder that the roots of the HSM's hardware are in. */
  hsmReconcile: () => z.object({ CHATELAINE_DEPLOYMENT: text, CHATELAINE_HSM: text, CHATELAINE_HSM_ROOTS: text }),
  /** The cluster, when it is not the deployment's own; the second Region, when there is one. */
  hsmBackupGuardian: () => z.object({ CHATELAINE_DEPLOYMENT: text, CHATELAINE_HSM_CLUSTER_ID: text.optional(), CHATELAINE_BACKUP_REGION: text.optional() }),
  hsmAdministrator: () =>
    z.object({
      CHATELAINE_HSM_STEP: z.enum(administrationSteps),
      CHATELAINE_HSM_CLUSTER_ID: z.string().regex(/^cluster-[2-7a-zA-Z]{11,16}$/),
      /** Both stand in the names of the domain keys. */
      CHATELAINE_EPOCH: z.coerce.number<string>().int().min(1).max(10_000),
      CHATELAINE_DOMAIN: text,
      CHATELAINE_TOKEN_LABEL: text.max(32),
      /** Set for a cluster of fewer than three HSMs: keys are then used although they are on one HSM only. */
      CHATELAINE_HSM_FEW: z.literal('1').optional(),
      CHATELAINE_TRUST_ANCHOR_SECRET: text,
      CHATELAINE_ADMIN_SECRET: text,
      CHATELAINE_PIN_SECRET: text,
      CHATELAINE_KEY_OWNER_SECRET: text,
    }),
} as const;

export type FunctionKind = keyof typeof functionEnvironments;
/** What the stacks set. */
export type FunctionEnvironment<Kind extends FunctionKind> = z.input<ReturnType<(typeof functionEnvironments)[Kind]>>;

/** @throws Error that names the variables, never their values */
export function readEnvironment<Kind extends FunctionKind>(
  kind: Kind,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<ReturnType<(typeof functionEnvironments)[Kind]>> {
  const parsed = functionEnvironments[kind]().safeParse(environment);
  if (parsed.success) return parsed.data as z.output<ReturnType<(typeof functionEnvironments)[Kind]>>;
  const names = [...new Set(parsed.error.issues.map((issue) => String(issue.path[0])))];
  throw new Error(`These environment variables are missing or unusable: ${names.join(', ')}.`);
}
