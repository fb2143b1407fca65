/** Bridges beside the deployment's own, for custom key stores: the only addresses that a key store can lead to (docs/key-stores.md). */
import * as z from 'zod';
import { configuredKeyStoresMax, keyStoreShape } from '#shared/env/key-store-environment.ts';

export const keyStoresConfigSchema = z
  .array(z.strictObject(keyStoreShape))
  .max(configuredKeyStoresMax)
  .refine((stores) => new Set(stores.map(({ clusterId }) => clusterId)).size === stores.length, 'names a cluster twice')
  .default([]);
