import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';

export const aliasName = () =>
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^[a-zA-Z0-9:/_-]+$/);

/** Rules beyond the pattern, with AWS's texts. @throws KmsError */
export function checkAliasName(name: string): void {
  if (!name.startsWith('alias/')) {
    throw new KmsError('ValidationException', 'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html');
  }
  if (name === 'alias/') throw new KmsError('InvalidAliasNameException', 'The alias has no name behind its prefix.');
  // The prefix is reserved for keys that AWS services own.
  if (name.startsWith('alias/aws/')) throw new KmsError('NotAuthorizedException');
  if (name.includes(':')) throw new KmsError('ValidationException', `${name} contains invalid characters for an alias`);
}

/** @throws KmsError ValidationException: aliases point to keys, never to aliases */
export function checkAliasTarget(target: string): void {
  if (target.startsWith('alias/') || /^arn:[^/]*:alias\//.test(target)) throw new KmsError('ValidationException', 'Aliases must refer to keys. Not aliases');
}
