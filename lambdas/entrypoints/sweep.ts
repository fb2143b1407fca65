import { composeSweep } from '../compose.ts';
import { createSweepHandler } from '../handlers/sweep-handler.ts';

export const handler = createSweepHandler(composeSweep(process.env));
