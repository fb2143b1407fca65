import * as z from 'zod';

/** RegionType of the AWS KMS model. */
export const regionName = () =>
  z
    .string()
    .min(1)
    .max(32)
    .regex(/^([a-z]+-){2,3}\d+$/);
