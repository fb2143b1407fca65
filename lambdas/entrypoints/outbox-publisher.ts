import { composeOutboxPublisher } from '../compose.ts';
import { createOutboxHandler } from '../handlers/outbox-handler.ts';

export const handler = createOutboxHandler(composeOutboxPublisher(process.env));
