/** What a deployment says about its HSM: the stack writes it, and the functions and the operator's command read it. Names and ARNs, no secret. */
import * as z from 'zod';
import type { HardwareRoots } from './hardware-chain.ts';
import type { Desired, Phase } from './observation.ts';

/** The one item of the reconciler's table. */
export const journalPartition = 'RECONCILER';

const text = z.string().min(1).max(2048);
const fleet = { hsms: z.int().min(1).max(28), subnets: z.array(text).min(1).max(10), backupRetentionDays: z.int().min(7).max(379) };
const common = { deployment: text, journalTable: text };

export const hsmSettingsSchema = z.discriminatedUnion('source', [
  z.strictObject({ ...common, source: z.literal('existing'), clusterId: text }),
  z.strictObject({
    ...common,
    ...fleet,
    source: z.literal('managed'),
    authority: z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('kms'), keyId: text }), z.strictObject({ kind: z.literal('external'), certificatesSecret: text })]),
    trustAnchorSecret: text,
    administrationBus: text,
    /** Of the domain keys, where the bridge is the deployment's own. */
    epoch: z.int().min(1).optional(),
  }),
  z.strictObject({ ...common, ...fleet, source: z.literal('restore'), backupId: text }),
]);
export type HsmSettings = z.output<typeof hsmSettingsSchema>;

/** @throws Error that names what is wrong */
export function readHsmSettings(json: string): HsmSettings {
  const parsed = hsmSettingsSchema.safeParse(JSON.parse(json));
  if (parsed.success) return parsed.data;
  throw new Error(`The HSM settings are not usable: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}.`);
}

/** @param hsms fewer than the settings say: a step of the way there */
export function desiredOf(settings: HsmSettings, roots: () => HardwareRoots, phase: Phase, hsms?: number): Desired {
  const { deployment } = settings;
  if (settings.source === 'existing') return { source: 'existing', deployment, phase, clusterId: settings.clusterId };
  const fleetWanted = { hsms: Math.min(hsms ?? settings.hsms, settings.hsms), subnets: settings.subnets, backupRetentionDays: settings.backupRetentionDays };
  if (settings.source === 'restore') return { source: 'restore', deployment, phase, backupId: settings.backupId, ...fleetWanted };
  return { source: 'managed', deployment, phase, authority: settings.authority.kind, hardwareRoots: roots(), epoch: settings.epoch, ...fleetWanted };
}
