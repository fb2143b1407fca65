/** What an authenticated key may be used for. A violation is the caller's mistake, not an alarm. */
import { plaintextLimit } from '#shared/algorithms/encryption.ts';
import { describeKeySpec, type EncryptionAlgorithm, type KeyUsage, type MacAlgorithm, type SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import { signingDescriptors } from '#shared/algorithms/signing.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { CryptoError, type MessageType } from '#shared/ports/crypto.ts';

const algorithmsOf = {
  ENCRYPT_DECRYPT: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).encryptionAlgorithms ?? [],
  SIGN_VERIFY: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).signingAlgorithms ?? [],
  GENERATE_VERIFY_MAC: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).macAlgorithms ?? [],
} as const satisfies Record<KeyUsage, unknown>;

/** @throws CryptoError invalid-request */
export function demandUse(material: KeyMaterial, usage: KeyUsage, algorithm: EncryptionAlgorithm | SigningAlgorithm | MacAlgorithm): void {
  if (material.keyUsage !== usage) throw invalid(`a ${material.keyUsage} key is not for ${usage}`);
  if (!algorithmsOf[usage](material).includes(algorithm)) throw invalid(`${algorithm} is not an algorithm of ${material.keySpec}`);
}

/** @throws CryptoError invalid-request */
export function demandPlaintextFits(material: KeyMaterial, algorithm: EncryptionAlgorithm, length: number): void {
  const limit = plaintextLimit(material.keySpec, algorithm);
  if (length > limit) throw invalid(`the plaintext is longer than ${limit} bytes`);
}

/** @throws CryptoError invalid-request */
export function demandDigestLength(algorithm: SigningAlgorithm, messageType: MessageType, length: number): void {
  const { digestBytes } = signingDescriptors[algorithm];
  if (messageType === 'DIGEST' && length !== digestBytes) throw invalid(`a digest for ${algorithm} has ${digestBytes} bytes`);
}

export const invalid = (message: string): CryptoError => new CryptoError('invalid-request', message);
