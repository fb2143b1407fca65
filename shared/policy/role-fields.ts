import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import type { ResourceOwner } from '#shared/operation.ts';
import { accountOfArn, isAccountRoot, isPrincipalArn } from './principal-names.ts';

export const roleName = () =>
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[\w+=,.@-]+$/);
export const identityDocument = () =>
  z
    .string()
    .min(1)
    .max(32_768)
    .regex(/^[\t\n\r\u0020-\u00FF]+$/);
export const roleDescription = () => z.string().max(1000);
export const principalId = () =>
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^[\w+=,.@:-]+$/);

/** What identity documents name to say which roles somebody may manage, or bind. */
export const roleArn = ({ partition, caller }: ResourceOwner, name: string): string => `arn:${partition}:chatelaine::${caller.account}:role/${name}`;

export const roleEntry = z.object({
  RoleName: z.string(),
  Description: z.string(),
  BuiltIn: z.boolean(),
  /** Absent for built-in roles. */
  CreationDate: timestamp().optional(),
  LastUpdatedDate: timestamp().optional(),
  Document: z.string(),
});

/** Only an account binds its own principals, and its root needs no binding. @throws KmsError ValidationException */
export function requireBindable(principal: string, account: string): void {
  if (!isPrincipalArn(principal) || isAccountRoot(principal)) throw new KmsError('ValidationException', `${principal} is not the ARN of a user, a role or a session.`);
  if (accountOfArn(principal) !== account) throw new KmsError('ValidationException', 'Only principals of your own account can be bound to its roles.');
}
