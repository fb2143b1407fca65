/** The bridges of custom key stores, as one environment variable: JSON that the stacks write and the functions read by the same schema. */
import * as z from 'zod';
import { clusterIdPattern, hsmProfiles } from '#shared/ports/key-store-bridges.ts';

/** All of a function's environment is at most 4 KB. */
export const configuredKeyStoresMax = 5;

export const keyStoreShape = {
  clusterId: z.string().regex(clusterIdPattern),
  url: z.url({ protocol: /^https$/ }).max(256),
  /** The name in the bridge's certificate, when it is not the host of the address. */
  serverName: z.string().min(1).max(128).optional(),
  hsmProfile: z.enum(hsmProfiles),
  /** SHA-256 of the trust anchor's DER, in hexadecimal digits. */
  trustAnchorSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Whose key stores may use it; without it, every account's. */
  accounts: z
    .array(z.string().regex(/^[0-9]{12}$/))
    .min(1)
    .max(5)
    .optional(),
};

const schema = z
  .array(
    z.strictObject({
      ...keyStoreShape,
      /** ARN of the secret with the client certificate of the function's caller class. Absent for functions that only need to know which bridges are listed. */
      secret: z.string().min(1).max(256).optional(),
    }),
  )
  .max(configuredKeyStoresMax);
export type KeyStoreEnvironment = z.output<typeof schema>;

/** @throws Error that names the variable, never its value */
export function readKeyStoreEnvironment(text: string | undefined): KeyStoreEnvironment {
  if (text === undefined) return [];
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Error('These environment variables are missing or unusable: CHATELAINE_KEY_STORES.');
  }
}
