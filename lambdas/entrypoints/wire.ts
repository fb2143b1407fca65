import { composeWire } from '../compose.ts';
import { createWireHandler } from '../handlers/wire-handler.ts';

export const handler = createWireHandler(composeWire(process.env));
