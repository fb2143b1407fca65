/** A caller's import through the API: parameters, wrapping, and the members of ImportKeyMaterial. */
import type { WrappingAlgorithm } from '#shared/algorithms/wrapping.ts';
import type { InProcess, Members } from './in-process.ts';
import { wrapMaterial } from './wrap-material.ts';

/** The same 32 bytes for every caller that does not bring its own, so that an import can be repeated. */
export const sampleMaterial = Buffer.alloc(32, 'sample material');

export async function importRequest(
  app: Pick<InProcess, 'must'>,
  KeyId: string,
  material: Uint8Array = sampleMaterial,
  members: Members = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' },
  algorithm: WrappingAlgorithm = 'RSAES_OAEP_SHA_256',
): Promise<Members> {
  const { PublicKey, ImportToken } = await app.must('GetParametersForImport', { KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: 'RSA_2048' });
  const encrypted = wrapMaterial(Buffer.from(String(PublicKey), 'base64'), algorithm, material);
  return { KeyId, ImportToken, EncryptedKeyMaterial: encrypted.toString('base64'), ...members };
}
