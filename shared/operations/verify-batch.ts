/** VerifyBatch: Verify for up to 100 items in one request, each with its own result. Not in AWS KMS; docs/adr/0024. */
import { defineBatch } from '#shared/batch-operation.ts';
import { Verify } from './verify.ts';

export const VerifyBatch = defineBatch({ name: 'VerifyBatch', of: Verify, path: '/v1/batch/verify', summary: 'Verifies up to 100 signatures.' });
