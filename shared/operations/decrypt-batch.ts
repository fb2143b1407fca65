/** DecryptBatch: Decrypt for up to 100 items in one request, each with its own result. Not in AWS KMS; docs/adr/0024. */
import { defineBatch } from '#shared/batch-operation.ts';
import { Decrypt } from './decrypt.ts';

export const DecryptBatch = defineBatch({ name: 'DecryptBatch', of: Decrypt, path: '/v1/batch/decrypt', summary: 'Decrypts up to 100 ciphertexts.' });
