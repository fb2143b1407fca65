/** What Encrypt, ReEncrypt and the data-key operations share: how a key version seals, and where a ciphertext belongs. */
import type { EncryptionAlgorithm } from '#shared/algorithms/key-specs.ts';
import { additionalData, type CiphertextBlob, decodeBlob, type EncryptionContext, encodeBlob, encodeHeader } from '#shared/ciphertext/blob.ts';
import { KmsError } from '#shared/errors.ts';
import type { CipherSide, Crypto, SealedParts } from '#shared/ports/crypto.ts';
import { handleOf, type KeyReference, type LoadedKey } from '#shared/repositories/key-reader.ts';
import { acceptedHandles, firstOf } from './any-version.ts';
import { requireEncryptionAlgorithm, requireMaterial, requireUsage } from './usage.ts';

interface Fails {
  error(code: 'InvalidKeyUsageException' | 'ValidationException', message: string): KmsError;
}

/** Usage, algorithm and context rules of one side of an encryption. */
export function requireEncryptionUse(ctx: Fails, key: LoadedKey, algorithm: string, context: EncryptionContext | undefined, operation: string): void {
  requireUsage(ctx, key, 'ENCRYPT_DECRYPT', operation);
  requireEncryptionAlgorithm(ctx, key, algorithm);
  if (algorithm !== 'SYMMETRIC_DEFAULT' && context !== undefined && Object.keys(context).length > 0) {
    throw ctx.error('ValidationException', `An encryption context cannot be used with the algorithm ${algorithm}.`);
  }
}

/** The current version, ready to encrypt, and how its answer becomes a blob. */
export function sealingSide(
  key: LoadedKey,
  algorithm: EncryptionAlgorithm,
  context: EncryptionContext | undefined,
): { side: CipherSide; toBlob: (parts: SealedParts) => Uint8Array } {
  const version = key.record.currentVersion;
  const handle = handleOf(key, version, requireMaterial(key));
  if (algorithm !== 'SYMMETRIC_DEFAULT') return { side: { key: handle, algorithm }, toBlob: (parts) => parts.ciphertext };
  const header = encodeHeader({ keyId: key.record.keyId, keyVersion: version });
  return { side: { key: handle, algorithm, aad: additionalData(header, context) }, toBlob: (parts) => encodeBlob(header, parts) };
}

export interface Opening {
  /** One for each version that may have made the ciphertext, newest first. A blob names its version; an RSA ciphertext does not. */
  readonly sides: readonly CipherSide[];
  readonly parts: SealedParts;
}

/** The versions that may open the ciphertext, ready to decrypt. Undefined when the key has no material for them. */
export function openingOf(key: LoadedKey, algorithm: EncryptionAlgorithm, context: EncryptionContext | undefined, ciphertext: Uint8Array): Opening | undefined {
  const blob = algorithm === 'SYMMETRIC_DEFAULT' ? decodeBlob(ciphertext) : undefined;
  if (blob !== undefined) {
    if (key.material === undefined) return undefined;
    const handle = handleOf(key, blob.header.keyVersion, key.material);
    return { sides: [{ key: handle, algorithm, aad: additionalData(blob.headerBytes, context) }], parts: blob.parts };
  }
  return { sides: acceptedHandles(key).map((handle) => ({ key: handle, algorithm })), parts: { iv: new Uint8Array(0), ciphertext } };
}

/** @throws CryptoError invalid-ciphertext, which does not say for how many versions */
export const decryptWithAny = async (cipher: Pick<Crypto, 'decrypt' | 'batch'>, { sides, parts }: Opening): Promise<{ plaintext: Uint8Array; side: CipherSide }> => {
  const [plaintext, at] = await firstOf(
    cipher,
    sides.map((side) => ({ name: 'decrypt', parameters: [side, parts] })),
  );
  return { plaintext: plaintext as Uint8Array, side: sides[at]! };
};

/** @throws CryptoError as decryptWithAny */
export const reEncryptFromAny = async (
  cipher: Pick<Crypto, 'reEncrypt' | 'batch'>,
  { sides, parts }: Opening,
  destination: CipherSide,
): Promise<{ sealed: SealedParts; side: CipherSide }> => {
  const [sealed, at] = await firstOf(
    cipher,
    sides.map((side) => ({ name: 'reEncrypt', parameters: [side, parts, destination] })),
  );
  return { sealed: sealed as SealedParts, side: sides[at]! };
};

/** The blob that a symmetric request carries; undefined when it is not one, or when the algorithm has no blob format. */
export function blobOf(algorithm: string | undefined, ciphertext: Uint8Array | undefined): CiphertextBlob | undefined {
  return ciphertext !== undefined && (algorithm ?? 'SYMMETRIC_DEFAULT') === 'SYMMETRIC_DEFAULT' ? decodeBlob(ciphertext) : undefined;
}

/** Names only: values may be confidential (design section 8). */
export const contextKeys = (context: EncryptionContext | undefined): string[] => Object.keys(context ?? {}).slice(0, 50);

/**
 * The key that a ciphertext is to be opened with: the one the request names, else the one the blob names. The version is the blob's; a ciphertext without
 * one may be of any version that the key accepts. No ciphertext: the dry run of a request that names its key.
 * @throws KmsError InvalidCiphertextException, ValidationException
 */
export function sourceKey(identifier: string | undefined, algorithm: string | undefined, ciphertext: Uint8Array | undefined): KeyReference {
  const header = blobOf(algorithm, ciphertext)?.header;
  if (identifier !== undefined) return { identifier, accepts: 'any', version: header?.keyVersion, accepted: true };
  if (ciphertext === undefined) throw new KmsError('ValidationException', 'A KeyId is required when the ciphertext is ignored.');
  if ((algorithm ?? 'SYMMETRIC_DEFAULT') !== 'SYMMETRIC_DEFAULT') {
    throw new KmsError('ValidationException', 'A KeyId is required to decrypt with an asymmetric key: the ciphertext does not say which key it belongs to.');
  }
  if (header === undefined) throw new KmsError('InvalidCiphertextException');
  return { identifier: header.keyId, accepts: 'key', version: header.keyVersion, fromCiphertext: true };
}

interface FailsOnCiphertext {
  error(code: 'IncorrectKeyException' | 'InvalidCiphertextException', message?: string): KmsError;
}

/** A named key must be the one that the blob names. */
export function requireCiphertextOf(ctx: FailsOnCiphertext, key: LoadedKey, algorithm: string | undefined, ciphertext: Uint8Array | undefined): void {
  if (ciphertext === undefined || (algorithm ?? 'SYMMETRIC_DEFAULT') !== 'SYMMETRIC_DEFAULT') return;
  const blob = decodeBlob(ciphertext);
  if (blob === undefined) throw ctx.error('InvalidCiphertextException');
  if (blob.header.keyId !== key.record.keyId) throw ctx.error('IncorrectKeyException', 'The key ID in the request does not identify a CMK that can perform this operation.');
}
