/** An image in the account's own registry, by digest: a tag can be moved. */
import * as z from 'zod';

export const imageSchema = z.strictObject({
  /** Of Amazon ECR, in the deployment's account and Region: there is no way to any other registry. */
  repository: z.string().regex(/^[a-z0-9][a-z0-9/_.-]{1,255}$/),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
});

export type ImageConfig = z.output<typeof imageSchema>;
