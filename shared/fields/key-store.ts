/** Members of the operations on custom key stores. Bounds and patterns are those of the AWS KMS API model. */
import * as z from 'zod';
import { clusterIdPattern } from '#shared/ports/key-store-bridges.ts';

export const keyStoreId = () => z.string().min(1).max(64);
export const keyStoreName = () => z.string().min(1).max(256);
export const clusterId = () => z.string().min(19).max(24).regex(clusterIdPattern);
/** Taken because AWS's clients must send it, and forgotten: a bridge logs in to its HSM with a PIN of its own. */
export const keyStorePassword = () => z.string().min(7).max(32).meta({ sensitive: true });

/** Members of external key stores, which are refused in one place. */
export const externalStoreMembers = {
  XksProxyUriEndpoint: z
    .string()
    .min(10)
    .max(128)
    .regex(/^https:\/\/[a-zA-Z0-9.-]+$/)
    .optional(),
  XksProxyUriPath: z
    .string()
    .min(10)
    .max(128)
    .regex(/^(?:\/[a-zA-Z0-9/_-]+)?\/kms\/xks\/v[0-9]{1,2}$/)
    .optional(),
  XksProxyVpcEndpointServiceName: z
    .string()
    .min(20)
    .max(64)
    .regex(/^(?:com|eu)\.amazonaws\.vpce\.(?:[a-z]+-){2,3}[0-9]+\.vpce-svc-[0-9a-z]+$/)
    .optional(),
  XksProxyVpcEndpointServiceOwner: z
    .string()
    .length(12)
    .regex(/^[0-9]{12}$/)
    .optional(),
  XksProxyAuthenticationCredential: z
    .object({
      AccessKeyId: z
        .string()
        .min(20)
        .max(30)
        .regex(/^[A-Z2-7]+$/)
        .meta({ sensitive: true }),
      RawSecretAccessKey: z
        .string()
        .min(43)
        .max(64)
        .regex(/^[a-zA-Z0-9/+=]+$/)
        .meta({ sensitive: true }),
    })
    .optional(),
  XksProxyConnectivity: z.enum(['PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE']).optional(),
};

export const namesExternalStore = (input: object): boolean => Object.keys(externalStoreMembers).some((name) => (input as Readonly<Record<string, unknown>>)[name] !== undefined);
