/** The bridge's configuration: a JSON file named by the first argument or CHATELAINE_BRIDGE_CONFIG. Relative paths are relative to that file. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';

const path = z.string().min(1).max(4096);
const port = z.int().min(0).max(65_535);

const schema = z.strictObject({
  hsm: z.strictObject({
    modulePath: path,
    profile: z.enum(['softhsm2', 'cloudhsm']),
    tokenLabel: z.string().min(1).max(32),
    /** One of the two. CloudHSM takes `user:password`. */
    pinFile: path.optional(),
    pinEnvironment: z.string().min(1).max(128).optional(),
    /** Set before the module is loaded, for example SOFTHSM2_CONF. */
    environment: z.record(z.string().max(128), z.string().max(4096)).default({}),
  }),
  /** Names this deployment's keys in the HSM; part of every binding. */
  domain: z.string().regex(/^[a-z0-9-]{1,64}$/),
  /** The epoch that new keys are wrapped under. Earlier ones are found by label. */
  epoch: z.int().min(1).max(10_000),
  tls: z.strictObject({ certificate: path, key: path, clientAuthority: path }),
  listen: z.strictObject({ host: z.string().min(1).max(255).default('127.0.0.1'), port: port.default(0), healthPort: port.default(0) }).prefault({}),
  workers: z.strictObject({ fast: z.int().min(1).max(500).default(2), slow: z.int().min(1).max(64).default(1) }).prefault({}),
  queue: z.strictObject({ fastMax: z.int().min(1).max(100_000).default(1024), slowMax: z.int().min(1).max(10_000).default(64) }).prefault({}),
  /** Lines of metrics on standard output. */
  metrics: z.strictObject({ deployment: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), everySeconds: z.number().min(0.05).max(300).default(30) }).optional(),
  cache: z.strictObject({ entriesMax: z.int().min(1).max(100_000).default(10_000), ttlMs: z.int().min(1).max(86_400_000).default(300_000) }).prefault({}),
});

export type BridgeConfig = z.output<typeof schema>;
/** What goes into the configuration file. */
export type BridgeConfigInput = z.input<typeof schema>;

/** The configuration is missing or wrong. The message is for the operator. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
}

/** @throws ConfigInvalid */
export function readConfig(file: string): BridgeConfig {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigInvalid(`cannot read the configuration ${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new ConfigInvalid(`the configuration ${file} is wrong:\n${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  if ((data.hsm.pinFile === undefined) === (data.hsm.pinEnvironment === undefined)) throw new ConfigInvalid('exactly one of hsm.pinFile and hsm.pinEnvironment is needed');
  const at = (name: string) => resolve(dirname(file), name);
  return {
    ...data,
    hsm: { ...data.hsm, ...(data.hsm.pinFile === undefined ? {} : { pinFile: at(data.hsm.pinFile) }) },
    tls: { certificate: at(data.tls.certificate), key: at(data.tls.key), clientAuthority: at(data.tls.clientAuthority) },
  };
}

/** @throws ConfigInvalid */
export function readPin({ pinFile, pinEnvironment }: BridgeConfig['hsm']): string {
  if (pinFile !== undefined) {
    try {
      return readFileSync(pinFile, 'utf8').trim();
    } catch (error) {
      throw new ConfigInvalid(`cannot read the PIN from ${pinFile}`, { cause: error });
    }
  }
  const pin = process.env[pinEnvironment as string];
  if (pin === undefined) throw new ConfigInvalid(`the environment has no ${pinEnvironment}`);
  delete process.env[pinEnvironment as string];
  return pin;
}
