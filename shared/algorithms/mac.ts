import type { MacAlgorithm } from './key-specs.ts';

export interface MacDescriptor {
  readonly hash: 'sha224' | 'sha256' | 'sha384' | 'sha512';
  readonly macBytes: 28 | 32 | 48 | 64;
}

export const macDescriptors: Readonly<Record<MacAlgorithm, MacDescriptor>> = {
  HMAC_SHA_224: { hash: 'sha224', macBytes: 28 },
  HMAC_SHA_256: { hash: 'sha256', macBytes: 32 },
  HMAC_SHA_384: { hash: 'sha384', macBytes: 48 },
  HMAC_SHA_512: { hash: 'sha512', macBytes: 64 },
};
