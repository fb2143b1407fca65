/** RSA pairs for fakes of the HSM. To make one takes up to seconds, so a process makes eight of a size and gives them again in turn. */
import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';

const pairsOfSize = 8;
const made = new Map<number, { readonly pairs: KeyPairKeyObjectResult[]; next: number }>();

export function rsaPair(modulusLength: number): KeyPairKeyObjectResult {
  const size = made.get(modulusLength) ?? { pairs: [], next: 0 };
  made.set(modulusLength, size);
  const at = size.next++ % pairsOfSize;
  size.pairs[at] ??= generateKeyPairSync('rsa', { modulusLength });
  return size.pairs[at];
}
