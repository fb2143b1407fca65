import * as z from 'zod';

/** Key id, key ARN, alias name or alias ARN; which of them an operation takes is said in its `keys`. */
export const keyId = () => z.string().min(1).max(2048);

/** Not needed for any decision here, and a bearer's token to AWS's clients: neither printed nor quoted. */
export const grantToken = () => z.string().min(1).max(8192).meta({ sensitive: true });
export const grantTokens = () => z.array(grantToken()).max(10).optional();
export const dryRun = () => z.boolean().optional();
