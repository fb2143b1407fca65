/** What one deployment chooses, from a profile of cdk.json or the `chatelaine` context. Everything else is decided here and the same for all. */
import * as z from 'zod';
import { isPrincipalArn } from '#shared/policy/principal-names.ts';
import { apiConfigSchema } from './api-config.ts';
import { attestationConfigSchema } from './attestation-config.ts';
import { bridgeConfigSchema } from './bridge-config.ts';
import { hsmConfigSchema } from './hsm-config.ts';
import { keyStoresConfigSchema } from './key-stores-config.ts';
import { networkConfigSchema } from './network-config.ts';
import { observabilityConfigSchema } from './observability-config.ts';

export const deploymentConfigSchema = z
  .strictObject({
    /** Stands in front of the names of functions and stacks: two deployments fit into one account and Region. */
    deployment: z.string().regex(/^[a-z][a-z0-9-]{1,19}$/),
    account: z
      .string()
      .regex(/^[0-9]{12}$/)
      .optional(),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/)
      .optional(),
    profile: z.enum(['dev', 'production']),
    /** Tables and their key go away with the stack. Only for development: keys that were wrapped are then gone for good. */
    destroyData: z.boolean().default(false),
    /** ARNs of the principals that administer the deployment from the start. Everybody else gets roles and grants from them. */
    administrators: z.array(z.string().refine(isPrincipalArn, 'is not the ARN of a principal')).max(20).default([]),
    attestation: attestationConfigSchema.optional(),
    network: networkConfigSchema.optional(),
    hsm: hsmConfigSchema.optional(),
    bridge: bridgeConfigSchema,
    api: apiConfigSchema.prefault({}),
    keyStores: keyStoresConfigSchema,
    audit: z.strictObject({
      retentionDays: z.int().min(1).max(36_500),
      /** COMPLIANCE cannot be shortened or lifted by anybody, not even by the account's root. */
      lockMode: z.enum(['COMPLIANCE', 'GOVERNANCE']),
    }),
    observability: observabilityConfigSchema.prefault({}),
    sweepMinutes: z.int().min(1).max(1440),
    logRetentionDays: z.union([z.literal(30), z.literal(90), z.literal(180), z.literal(365), z.literal(400), z.literal(731), z.literal(1827)]),
    /** An upper bound on every role of the deployment, where the organisation demands one. */
    permissionsBoundaryArn: z.string().startsWith('arn:').optional(),
  })
  .refine(({ bridge, network, hsm }) => bridge.source === 'external' || (network !== undefined && hsm !== undefined && hsm.source !== 'softhsm'), {
    message: 'A bridge on Fargate needs a network and an HSM cluster.',
    path: ['bridge'],
  })
  .refine(({ bridge, hsm }) => hsm?.source !== 'managed' || bridge.source === 'fargate' || hsm.administratorImage !== undefined, {
    message: 'Without a bridge on Fargate, whose image could be taken, a managed cluster needs an image that administers it.',
    path: ['hsm', 'administratorImage'],
  })
  .refine(({ profile, hsm }) => profile === 'dev' || hsm === undefined || (hsm.source !== 'softhsm' && hsm.hsms > 1), {
    message: 'A production deployment has two HSMs or more: the loss of the only one loses every key since its last backup.',
    path: ['hsm', 'hsms'],
  })
  .refine((config) => !(config.destroyData && config.profile === 'production'), { message: 'A production deployment never destroys its data.', path: ['destroyData'] })
  .refine((config) => config.profile === 'dev' || config.observability.alarms, { message: 'A production deployment has its alarms.', path: ['observability', 'alarms'] })
  .refine((config) => config.profile === 'dev' || config.audit.retentionDays >= 365, {
    message: 'A production deployment keeps its audit trail for a year or longer.',
    path: ['audit'],
  });

export type DeploymentConfig = z.output<typeof deploymentConfigSchema>;

/** @param context the object, or its JSON text as `cdk --context` gives it. @throws Error that says what of `source` is wrong */
export function readConfig(context: unknown, source = 'The chatelaine context'): DeploymentConfig {
  const parsed = deploymentConfigSchema.safeParse(typeof context === 'string' ? JSON.parse(context) : context);
  if (parsed.success) return parsed.data;
  throw new Error(`${source} is not usable:\n${z.prettifyError(parsed.error)}`);
}
