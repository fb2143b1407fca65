/** As operation.ts. Its bundle knows the operations of the data plane only (scripts/bundle.ts). */
import { composeOperation } from '../compose.ts';
import { createOperationHandler } from '../handlers/operation-handler.ts';

export const handler = createOperationHandler(composeOperation(process.env));
