/** The HSM bridge: one that runs elsewhere, or the deployment's own on Fargate. */
import * as z from 'zod';

export const bridgeConfigSchema = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('external'),
    url: z.url({ protocol: /^https$/ }),
    /** The name in the bridge's certificate, when it is not the host of the address. */
    serverName: z.string().min(1).max(253).optional(),
  }),
]);
