/** What a caller does between GetParametersForImport and ImportKeyMaterial: wraps the material, as the AWS KMS Developer Guide describes. */
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { oaepHashes } from '#shared/algorithms/encryption.ts';
import { type WrappingAlgorithm, wrappingDescriptors } from '#shared/algorithms/wrapping.ts';

/** @param publicKey DER SubjectPublicKeyInfo. @param aesKey of RSA_AES_KEY_WRAP; a new one when absent. */
export function wrapMaterial(publicKey: Uint8Array, algorithm: WrappingAlgorithm, material: Uint8Array, aesKey: Uint8Array = randomBytes(32)): Buffer {
  const { oaep, viaAes } = wrappingDescriptors[algorithm];
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const rsa = (plaintext: Uint8Array): Buffer => publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[oaep].hash }, plaintext);
  if (!viaAes) return rsa(material);
  const cipher = createCipheriv(`id-aes${aesKey.length * 8}-wrap-pad`, aesKey, Buffer.from('a65959a6', 'hex'));
  return Buffer.concat([rsa(aesKey), cipher.update(material), cipher.final()]);
}
