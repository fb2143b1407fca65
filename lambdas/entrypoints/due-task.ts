import { composeDueTask } from '../compose.ts';
import { createDueTaskHandler } from '../handlers/due-task-handler.ts';

export const handler = createDueTaskHandler(composeDueTask(process.env));
