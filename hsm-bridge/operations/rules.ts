/** What an authenticated key may be used for. A violation is the caller's mistake, not an alarm. */
import { plaintextLimit } from '#shared/algorithms/encryption.ts';
import {
  describeKeySpec,
  type EncapsulationAlgorithm,
  type EncryptionAlgorithm,
  type KeyAgreementAlgorithm,
  type KeyUsage,
  type MacAlgorithm,
  type SigningAlgorithm,
} from '#shared/algorithms/key-specs.ts';
import { type MessageType, signingDescriptors } from '#shared/algorithms/signing.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { CryptoError } from '#shared/ports/crypto.ts';

const algorithmsOf = {
  ENCRYPT_DECRYPT: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).encryptionAlgorithms ?? [],
  SIGN_VERIFY: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).signingAlgorithms ?? [],
  GENERATE_VERIFY_MAC: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).macAlgorithms ?? [],
  KEY_AGREEMENT: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).keyAgreementAlgorithms ?? [],
  ENCAPSULATE_DECAPSULATE: (material: KeyMaterial): readonly string[] => describeKeySpec(material.keySpec).encapsulationAlgorithms ?? [],
} as const satisfies Record<KeyUsage, unknown>;

type Algorithm = EncryptionAlgorithm | SigningAlgorithm | MacAlgorithm | KeyAgreementAlgorithm | EncapsulationAlgorithm;

/** @throws CryptoError invalid-request */
export function demandUse(material: KeyMaterial, usage: KeyUsage, algorithm: Algorithm): void {
  if (material.keyUsage !== usage) throw invalid(`a ${material.keyUsage} key is not for ${usage}`);
  if (!algorithmsOf[usage](material).includes(algorithm)) throw invalid(`${algorithm} is not an algorithm of ${material.keySpec}`);
}

/** @throws CryptoError invalid-request */
export function demandPlaintextFits(material: KeyMaterial, algorithm: EncryptionAlgorithm, length: number): void {
  const limit = plaintextLimit(material.keySpec, algorithm);
  if (length > limit) throw invalid(`the plaintext is longer than ${limit} bytes`);
}

/** @throws CryptoError invalid-request */
export function demandMessageFits(algorithm: SigningAlgorithm, messageType: MessageType, length: number): void {
  const expected = signingDescriptors[algorithm].messageTypes[messageType];
  if (expected === undefined) throw invalid(`${algorithm} takes no message of type ${messageType}`);
  if (expected !== 'any' && length !== expected) throw invalid(`a message of type ${messageType} for ${algorithm} has ${expected} bytes`);
}

export const invalid = (message: string): CryptoError => new CryptoError('invalid-request', message);
