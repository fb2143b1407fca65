/** Whose attestation documents are believed: by default AWS's Nitro Enclaves root. A list takes its place. */
import * as z from 'zod';

export const attestationConfigSchema = z.strictObject({
  /** SHA-256 fingerprints of root certificates, as AWS publishes them: with or without colons. */
  roots: z
    .array(z.string().regex(/^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/))
    .min(1)
    .max(8),
});
