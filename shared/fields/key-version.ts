import * as z from 'zod';

/** Counted from 1. */
export const keyVersion = () => z.int().min(1).max(0xffffffff);
