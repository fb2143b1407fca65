import * as z from 'zod';

/** Epoch seconds with a fraction, as awsJson1_1 writes timestamps. */
export const timestamp = () =>
  z.codec(z.number(), z.date(), {
    decode: (seconds) => new Date(seconds * 1000),
    encode: (date) => date.getTime() / 1000,
  });
