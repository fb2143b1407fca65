import * as z from 'zod';
import { keySpecs, keyUsages } from '#shared/algorithms/key-specs.ts';
import { keyIdPattern } from './arn.ts';
import { wrapMechanisms } from './material.ts';

/** @param max characters */
export const base64Text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/);

export const keyBindingShape = {
  account: z.string().regex(/^[0-9]{12}$/),
  region: z
    .string()
    .min(1)
    .max(32)
    .regex(/^[a-z0-9-]+$/),
  keyId: z.string().regex(keyIdPattern),
  version: z.int().min(1).max(0xffffffff),
};

/** A row of the material table, and what a client of the bridge sends of it. */
export const keyMaterialSchema = z.strictObject({
  format: z.literal(1),
  ...keyBindingShape,
  keySpec: z.enum(keySpecs as [string, ...string[]] as [(typeof keySpecs)[number], ...(typeof keySpecs)[number][]]),
  keyUsage: z.enum(keyUsages),
  origin: z.enum(['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']),
  protection: z.enum(['HSM', 'HSM_SEALED_SEED', 'EXTERNAL']),
  epoch: z.int().min(1).max(0xffffffff),
  wrapMechanism: z.enum(wrapMechanisms),
  createdAt: z.int().min(0),
  publicKey: base64Text(4096).optional(),
  wrapped: base64Text(8192),
  tag: base64Text(64),
});
