/** The HSM bridge: one that runs elsewhere, or the deployment's own on Fargate. */
import * as z from 'zod';
import { imageSchema } from './image-config.ts';

/** What the library of CloudHSM calls its token. */
export const defaultTokenLabel = 'hsm1';

const generation = z.int().min(1).max(99);

const fargateSchema = z
  .strictObject({
    source: z.literal('fargate'),
    /** Made by hsm-bridge/image/Dockerfile. */
    image: imageSchema,
    cpu: z.union([z.literal(512), z.literal(1024), z.literal(2048), z.literal(4096)]).default(1024),
    memoryMb: z.int().min(1024).max(30_720).default(2048),
    tasks: z.strictObject({ min: z.int().min(1).max(20), max: z.int().min(1).max(20) }),
    /** In the names of the domain keys: the deployment's own name, unless the keys came with a cluster of another one. */
    domain: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,63}$/)
      .optional(),
    /** Of the domain keys that new material is wrapped under. */
    epoch: z.int().min(1).max(10_000).default(1),
    tokenLabel: z.string().min(1).max(32).default(defaultTokenLabel),
    fastWorkers: z.int().min(1).max(64).default(16),
    /** Certificates are replaced when half of this is over. */
    certificateDays: z.int().min(2).max(90).default(14),
    /** Keys of the certificate authority: all are trusted, the first issues. A change goes [1], [1, 2], [2, 1], [2] (docs/adr/0030). */
    authorities: z.array(generation).min(1).max(2).default([1]),
  })
  .refine(({ tasks }) => tasks.min <= tasks.max, { message: 'The smallest number of tasks is above the largest.', path: ['tasks'] })
  .refine(({ authorities }) => new Set(authorities).size === authorities.length, { message: 'An authority is named twice.', path: ['authorities'] });

export type FargateBridgeConfig = z.output<typeof fargateSchema>;

export const bridgeConfigSchema = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('external'),
    url: z.url({ protocol: /^https$/ }),
    /** The name in the bridge's certificate, when it is not the host of the address. */
    serverName: z.string().min(1).max(253).optional(),
  }),
  fargateSchema,
]);
