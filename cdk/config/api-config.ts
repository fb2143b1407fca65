/** Who reaches the API, from where, and what stands in front of it. */
import * as z from 'zod';
import { isPrincipalArn } from '#shared/policy/principal-names.ts';

export const apiConfigSchema = z
  .strictObject({
    /** `private`: only through VPC endpoints. */
    endpoint: z.enum(['regional', 'private']).default('regional'),
    /** execute-api endpoints of VPCs that may use a private API, beside the one that the deployment makes when it has a network. */
    vpcEndpointIds: z
      .array(z.string().regex(/^vpce-[0-9a-f]{8,17}$/))
      .max(20)
      .default([]),
    /** Other accounts whose principals may call, if their own policies also allow it. The deployment's own account always may. */
    accounts: z
      .array(z.string().regex(/^[0-9]{12}$/))
      .max(100)
      .default([]),
    /** An organisation whose principals may call, as for accounts. */
    organization: z
      .string()
      .regex(/^o-[a-z0-9]{10,32}$/)
      .optional(),
    /** When not empty: requests from elsewhere are refused. For a regional API. */
    cidrs: z.array(z.cidrv4()).max(100).default([]),
    /** A web ACL with AWS's managed rules and a limit per address. */
    webAcl: z.boolean().default(true),
    /** Requests of one address in five minutes, before the web ACL refuses more. */
    requestsPerAddress: z.int().min(10).max(2_000_000_000).default(100_000),
    /** Present: destructive routes are open to one role only, which is assumed with MFA. */
    custodian: z
      .strictObject({
        /** Who may assume it. None: everybody in the account whose own policies allow it. */
        principals: z.array(z.string().refine(isPrincipalArn, 'is not the ARN of a principal')).max(20).default([]),
      })
      .optional(),
  })
  .refine(({ endpoint, cidrs }) => endpoint === 'regional' || cidrs.length === 0, { message: 'Addresses say nothing behind a VPC endpoint.', path: ['cidrs'] });

export type ApiConfig = z.output<typeof apiConfigSchema>;
