import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { keyArn } from '#shared/keys/arn.ts';
import { type GrantOperation, type GrantRecord, grantOperations } from './grant.ts';
import { isServicePrincipal } from './principal-names.ts';

const contextPairsMax = 8;
const contextValueMax = 384;

const constraintContext = () =>
  z
    .record(z.string().min(1).max(contextValueMax), z.string().max(contextValueMax))
    .check((ctx) => {
      if (Object.keys(ctx.value).length > contextPairsMax)
        ctx.issues.push({ code: 'custom', input: ctx.value, message: `Member must have length less than or equal to ${contextPairsMax}` });
    })
    .meta({ sensitive: true })
    .optional();

export const grantConstraints = () =>
  z.object({
    EncryptionContextSubset: constraintContext(),
    EncryptionContextEquals: constraintContext(),
    SourceArn: z
      .string()
      .min(20)
      .max(512)
      .regex(/^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$/)
      .optional(),
  });

export const grantOperationList = () =>
  z
    .array(z.enum(grantOperations as unknown as [GrantOperation, ...GrantOperation[]]))
    .min(1)
    .max(grantOperations.length);

export const grantId = () => z.string().min(1).max(128);
export const grantName = () =>
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^[a-zA-Z0-9:/_-]+$/);

/** @throws KmsError InvalidGrantIdException */
export function requireGrantId(text: string): void {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new KmsError('InvalidGrantIdException', 'The grant id is not valid.');
}

export const grantEntry = z.object({
  KeyId: z.string(),
  GrantId: z.string(),
  Name: z.string(),
  CreationDate: timestamp(),
  GranteePrincipal: z.string().optional(),
  GranteeServicePrincipal: z.string().optional(),
  RetiringPrincipal: z.string().optional(),
  RetiringServicePrincipal: z.string().optional(),
  IssuingAccount: z.string(),
  Operations: z.array(z.string()),
  Constraints: grantConstraints().optional(),
});

/** One grant, as lists show it: the key by its ARN, and an empty name when it has none. */
export function grantAnswer(partition: string, grant: GrantRecord): z.output<typeof grantEntry> {
  const isService = (principal: string | undefined): boolean => principal !== undefined && isServicePrincipal(principal);
  return {
    KeyId: keyArn(partition, grant),
    GrantId: grant.grantId,
    Name: grant.name ?? '',
    CreationDate: new Date(grant.createdAt),
    ...(isService(grant.grantee) ? { GranteeServicePrincipal: grant.grantee } : { GranteePrincipal: grant.grantee }),
    ...(isService(grant.retiring) ? { RetiringServicePrincipal: grant.retiring } : { RetiringPrincipal: grant.retiring }),
    IssuingAccount: grant.issuingAccount,
    Operations: [...grant.operations],
    Constraints: grant.constraints,
  };
}
