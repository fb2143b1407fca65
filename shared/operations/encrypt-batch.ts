/** EncryptBatch: Encrypt for up to 100 items in one request, each with its own result. Not in AWS KMS; docs/adr/0024. */
import { defineBatch } from '#shared/batch-operation.ts';
import { Encrypt } from './encrypt.ts';

export const EncryptBatch = defineBatch({
  name: 'EncryptBatch',
  of: Encrypt,
  path: '/v1/batch/encrypt',
  summary: 'Encrypts up to 100 plaintexts, each under its own key and context.',
});
