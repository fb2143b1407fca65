/** What the container is told by its environment. Secrets are named here, never carried. */
import * as z from 'zod';
import type { BridgeConfigInput } from '../config.ts';

const text = z.string().min(1).max(2048);
const whole = z.coerce.number().int();

const schema = z.object({
  CHATELAINE_DEPLOYMENT: text,
  /** In the names of the domain keys, when it is not the deployment's. */
  CHATELAINE_DOMAIN: text.optional(),
  CHATELAINE_EPOCH: whole.default(1),
  CHATELAINE_HSM_PROFILE: z.enum(['softhsm2', 'cloudhsm']),
  CHATELAINE_PKCS11_MODULE: text,
  CHATELAINE_TOKEN_LABEL: text.max(32),
  CHATELAINE_BRIDGE_CERTIFICATE_SECRET: text,
  CHATELAINE_HSM_PIN_SECRET: text,
  /** CloudHSM only: the cluster, the secret with the certificate that its HSMs are signed by, and where its client keeps its own configuration. */
  CHATELAINE_HSM_CLUSTER_ID: text.optional(),
  CHATELAINE_HSM_TRUST_ANCHOR_SECRET: text.optional(),
  CHATELAINE_CLOUDHSM_FOLDER: text.default('/opt/cloudhsm'),
  /** Set for fewer than three HSMs: the client would refuse a key that is on one HSM only. */
  CHATELAINE_HSM_FEW: z.literal('1').optional(),
  AWS_REGION: text.optional(),
  /** The only folder that this process writes to. */
  CHATELAINE_WORK_FOLDER: text.default('/run/chatelaine'),
  CHATELAINE_LISTEN_HOST: text.default('0.0.0.0'),
  CHATELAINE_BRIDGE_PORT: whole.default(8443),
  CHATELAINE_BRIDGE_HEALTH_PORT: whole.default(8080),
  CHATELAINE_FAST_WORKERS: whole.default(16),
  CHATELAINE_SLOW_WORKERS: whole.default(2),
  CHATELAINE_CACHED_KEYS: whole.default(3000),
  /** Between the order to stop and its being passed on: the load balancer stops sending connections meanwhile. */
  CHATELAINE_DRAIN_DELAY_SECONDS: z.coerce.number().min(0).default(20),
  CHATELAINE_REFRESH_SECONDS: z.coerce.number().min(0.05).default(300),
  SOFTHSM2_CONF: text.optional(),
});

export type ContainerSettings = z.output<typeof schema>;

/** The environment is wrong. The message names variables and no values. */
export class SettingsInvalid extends Error {}

export const pinVariable = 'CHATELAINE_HSM_PIN';
export const fileNames = { certificate: 'bridge.pem', key: 'bridge.key', clientAuthority: 'authorities.pem', config: 'bridge.json', waiting: 'waiting' } as const;

/** @throws SettingsInvalid */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): ContainerSettings {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) throw new SettingsInvalid(`unusable: ${[...new Set(parsed.error.issues.map(({ path }) => String(path[0])))].join(', ')}`);
  const { CHATELAINE_HSM_PROFILE: profile, CHATELAINE_HSM_CLUSTER_ID: cluster, CHATELAINE_HSM_TRUST_ANCHOR_SECRET: anchor } = parsed.data;
  if (profile === 'cloudhsm' && (cluster === undefined || anchor === undefined))
    throw new SettingsInvalid('CloudHSM needs CHATELAINE_HSM_CLUSTER_ID and CHATELAINE_HSM_TRUST_ANCHOR_SECRET');
  return parsed.data;
}

export function bridgeConfigOf(settings: ContainerSettings): BridgeConfigInput {
  const { certificate, key, clientAuthority } = fileNames;
  return {
    hsm: {
      modulePath: settings.CHATELAINE_PKCS11_MODULE,
      profile: settings.CHATELAINE_HSM_PROFILE,
      tokenLabel: settings.CHATELAINE_TOKEN_LABEL,
      pinEnvironment: pinVariable,
      environment: settings.SOFTHSM2_CONF === undefined ? {} : { SOFTHSM2_CONF: settings.SOFTHSM2_CONF },
    },
    domain: settings.CHATELAINE_DOMAIN ?? settings.CHATELAINE_DEPLOYMENT,
    epoch: settings.CHATELAINE_EPOCH,
    tls: { certificate, key, clientAuthority },
    listen: { host: settings.CHATELAINE_LISTEN_HOST, port: settings.CHATELAINE_BRIDGE_PORT, healthPort: settings.CHATELAINE_BRIDGE_HEALTH_PORT },
    workers: { fast: settings.CHATELAINE_FAST_WORKERS, slow: settings.CHATELAINE_SLOW_WORKERS },
    cache: { entriesMax: settings.CHATELAINE_CACHED_KEYS },
    metrics: { deployment: settings.CHATELAINE_DEPLOYMENT },
  };
}
