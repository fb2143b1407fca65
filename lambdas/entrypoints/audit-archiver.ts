import { composeAuditArchiver } from '../compose.ts';
import { createArchiveHandler } from '../handlers/archive-handler.ts';

export const handler = createArchiveHandler(composeAuditArchiver(process.env));
