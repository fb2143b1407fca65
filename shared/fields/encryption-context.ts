import * as z from 'zod';

/** Longest accepted context, all keys and values together, in UTF-8 bytes. AWS names no bound; this one is what fits every HSM profile's audit and cost. */
const contextBytesMax = 8192;

export const encryptionContext = () =>
  z
    .record(z.string(), z.string())
    .check((ctx) => {
      let bytes = 0;
      for (const [key, value] of Object.entries(ctx.value)) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
      if (bytes > contextBytesMax) ctx.issues.push({ code: 'custom', input: ctx.value, message: `Member must have length less than or equal to ${contextBytesMax}` });
    })
    .meta({ sensitive: true })
    .optional();
