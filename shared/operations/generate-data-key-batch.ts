/** GenerateDataKeyBatch: GenerateDataKey for up to 100 items in one request, each with its own result. Not in AWS KMS; docs/adr/0024. */
import { defineBatch } from '#shared/batch-operation.ts';
import { GenerateDataKey } from './generate-data-key.ts';

export const GenerateDataKeyBatch = defineBatch({
  name: 'GenerateDataKeyBatch',
  of: GenerateDataKey,
  path: '/v1/batch/data-key',
  summary: 'Makes up to 100 data keys, in clear and sealed.',
});
