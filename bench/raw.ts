/** What SoftHSM itself does in one process and one thread, through pkcs11js, without bridge or network: the ceiling. */
import { spawnSync } from 'node:child_process';
import { createTestToken } from '#test/support/token.ts';
import type { Measurement } from './measure.ts';

/** In a process of its own: the module is initialised once per process, and with its own token. */
export async function benchRaw(report: (measurement: Measurement) => void): Promise<void> {
  const token = await createTestToken();
  try {
    const child = spawnSync(process.execPath, [`${import.meta.dirname}/raw-loop.ts`, token.modulePath, token.userPin], {
      env: { ...process.env, SOFTHSM2_CONF: token.configurationPath },
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (child.status !== 0) throw new Error(`The raw loop ended with ${child.status}: ${child.stderr}`);
    for (const line of child.stdout.trim().split('\n')) report(JSON.parse(line) as Measurement);
  } finally {
    token.remove();
  }
}
