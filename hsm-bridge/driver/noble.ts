/**
 * What node:crypto lacks (docs/adr/0020), loaded at first use: it takes 50 ms and 4 MB of each thread, and only the slow lane's threads ever need it.
 * `require`, because jobs are synchronous.
 */
import { createRequire } from 'node:module';

type Curves = typeof import('@noble/curves/ed25519.js');
type MlDsa = typeof import('@noble/post-quantum/ml-dsa.js');

const require = createRequire(import.meta.url);

export const loadEd25519ph = (): Curves['ed25519ph'] => (require('@noble/curves/ed25519.js') as Curves).ed25519ph;
export const loadMlDsa = (): Pick<MlDsa, 'ml_dsa44' | 'ml_dsa65' | 'ml_dsa87'> => require('@noble/post-quantum/ml-dsa.js') as MlDsa;
