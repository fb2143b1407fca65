/** SignBatch: Sign for up to 100 items in one request, each with its own result. Not in AWS KMS; docs/adr/0024. */
import { defineBatch } from '#shared/batch-operation.ts';
import { Sign } from './sign.ts';

export const SignBatch = defineBatch({ name: 'SignBatch', of: Sign, path: '/v1/batch/sign', summary: 'Signs up to 100 messages or digests.' });
