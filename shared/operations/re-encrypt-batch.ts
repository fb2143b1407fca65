/** ReEncryptBatch: ReEncrypt for up to 100 items in one request, each with its own result. Not in AWS KMS; docs/adr/0024. */
import { defineBatch } from '#shared/batch-operation.ts';
import { ReEncrypt } from './re-encrypt.ts';

export const ReEncryptBatch = defineBatch({
  name: 'ReEncryptBatch',
  of: ReEncrypt,
  path: '/v1/batch/re-encrypt',
  summary: 'Moves up to 100 ciphertexts to other keys or contexts without showing a plaintext.',
});
