import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';

/** A key has one policy, and it is called so. */
export const onlyPolicyName = 'default';

export const policyName = () =>
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^[\w]+$/)
    .optional();

/** @throws KmsError NotFoundException */
export function checkPolicyName(name: string | undefined): void {
  if (name !== undefined && name !== onlyPolicyName) throw new KmsError('NotFoundException', 'No such policy exists');
}
