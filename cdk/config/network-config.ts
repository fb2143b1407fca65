/** The VPC that the bridge, its functions and the HSMs live in. Absent: nothing is placed in a VPC, and the bridge is reached as it is. */
import * as z from 'zod';

export const networkConfigSchema = z.strictObject({
  cidr: z.cidrv4().default('10.71.0.0/20'),
  /** Availability zones. Three in production: a zone may go, and two HSMs stay. */
  zones: z.int().min(1).max(3),
});

export type NetworkConfig = z.output<typeof networkConfigSchema>;

/** Where the bridge listens behind its load balancer, and where it tells of its health. */
export const bridgePort = 8443;
export const bridgeHealthPort = 8080;
