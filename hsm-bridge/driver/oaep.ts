/** EME-OAEP decoding (RFC 8017 section 7.1.2 step 3) for HSMs that do only the private-key operation. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { OaepHash } from '#shared/algorithms/encryption.ts';

/**
 * No branch and no memory access depends on the encoded message before the single verdict, so that failures cannot be told apart (Manger 2001).
 * @param encoded k bytes. It is overwritten.
 * @returns the message as a view into `encoded`, or undefined.
 */
export function oaepDecode(encoded: Buffer, hash: OaepHash): Buffer | undefined {
  const labelHash = createHash(hash).digest();
  const hashBytes = labelHash.length;
  if (encoded.length < 2 * hashBytes + 2) return undefined;
  const seed = encoded.subarray(1, 1 + hashBytes);
  const block = encoded.subarray(1 + hashBytes);
  xorMask(seed, block, hash);
  xorMask(block, seed, hash);

  const hashFits = Number(timingSafeEqual(block.subarray(0, hashBytes), labelHash));
  let bad = encoded[0]! | (1 - hashFits);
  let looking = 1;
  let messageAt = 0;
  for (let at = hashBytes; at < block.length; at++) {
    const isOne = isZero(block[at]! ^ 1);
    const found = looking & isOne;
    messageAt |= -found & (at + 1);
    bad |= looking & (1 - isOne) & (1 - isZero(block[at]!));
    looking &= 1 - isOne;
  }
  bad |= looking;

  return bad === 0 ? block.subarray(messageAt) : undefined;
}

/** 1 for zero, 0 for any other byte, without a branch. */
const isZero = (byte: number): number => ((byte - 1) >>> 31) & 1;

/** target ^= MGF1(source), RFC 8017 appendix B.2.1. */
function xorMask(target: Buffer, source: Buffer, hash: OaepHash): void {
  const counter = Buffer.alloc(4);
  let at = 0;
  for (let block = 0; at < target.length; block++) {
    counter.writeUInt32BE(block);
    const mask = createHash(hash).update(source).update(counter).digest();
    for (let i = 0; i < mask.length && at < target.length; i++, at++) target[at] = target[at]! ^ mask[i]!;
    mask.fill(0);
  }
}
