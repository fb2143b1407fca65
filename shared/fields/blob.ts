import * as z from 'zod';

/** Bytes, base64 on the wire. Bounds are in bytes. `sensitive` fields must never be seen in a log, record or error: a test plants sentinels in them. */
export function blob(bounds: { min: number; max: number; sensitive?: boolean }) {
  const bytes = z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .check((ctx) => {
      const { length } = ctx.value;
      if (length < bounds.min) ctx.issues.push({ code: 'custom', input: ctx.value, message: `Member must have length greater than or equal to ${bounds.min}`, continue: true });
      if (length > bounds.max) ctx.issues.push({ code: 'custom', input: ctx.value, message: `Member must have length less than or equal to ${bounds.max}`, continue: true });
    });
  return z
    .codec(z.base64(), bytes, {
      // Buffer.alloc rather than the shared pool: the owner wipes these bytes.
      decode: (text) => new Uint8Array(Buffer.from(text, 'base64')) as Uint8Array,
      encode: (value) => Buffer.from(value).toString('base64'),
    })
    .meta({ sensitive: bounds.sensitive === true });
}

/** Bytes of an answer. */
export const outputBlob = (sensitive = false) => blob({ min: 0, max: 65_536, sensitive });
