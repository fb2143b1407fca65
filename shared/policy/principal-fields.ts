import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import { isPrincipalArn } from './principal-names.ts';

export const principal = () =>
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^[\w+=,.@:/-]+$/);

export const servicePrincipal = () =>
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^([A-Za-z0-9-]+)\.([A-Za-z0-9-]+)(\.[A-Za-z0-9-]+)+$/);

/** @throws KmsError InvalidArnException */
export function requirePrincipalArn(text: string): void {
  if (!isPrincipalArn(text)) throw new KmsError('InvalidArnException', `Invalid arn ${text}`);
}
