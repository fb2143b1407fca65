import * as z from 'zod';

/** Key id, key ARN, alias name or alias ARN; which of them an operation takes is said in its `keys`. */
export const keyId = () => z.string().min(1).max(2048);

export const grantTokens = () => z.array(z.string().min(1).max(8192)).max(10).optional();
export const dryRun = () => z.boolean().optional();
