import { composeOperation } from '../compose.ts';
import { createOperationHandler } from '../handlers/operation-handler.ts';

export const handler = createOperationHandler(composeOperation(process.env));
