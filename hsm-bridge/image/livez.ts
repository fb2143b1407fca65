/** The container's health check: the bridge lives, or its supervisor waits for the HSM. It never asks the HSM itself. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileNames } from './settings.ts';

const { CHATELAINE_BRIDGE_HEALTH_PORT: port = '8080', CHATELAINE_WORK_FOLDER: folder = '/run/chatelaine' } = process.env;
/** The supervisor touches the file every ten seconds. */
const waitingForMs = 60_000;

const alive = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(3_000) }).then(
  ({ ok }) => ok,
  () => false,
);
process.exitCode = alive || waits() ? 0 : 1;

function waits(): boolean {
  const file = statSync(join(folder, fileNames.waiting), { throwIfNoEntry: false });
  return file !== undefined && Date.now() - file.mtimeMs < waitingForMs;
}
