/** One step of HSM administration, in a task of the bridge's image: `node -e "import('/app/hsm-administrator.mjs').then(({ handler }) => handler())"`. */
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '#shared/env/function-environment.ts';
import { administer, type RunProgram } from '../cloudhsm/administer.ts';
import { composeCloudHsm } from '../cloudhsm/compose-hsm.ts';
import { createSecretStore } from '../cloudhsm/hsm-services.ts';

const programTimeoutMs = 5 * 60_000;

const run: RunProgram = (program, args, environment = {}) =>
  new Promise((resolve, reject) => {
    execFile(program, [...args], { env: { ...process.env, ...environment }, timeout: programTimeoutMs }, (error, printed) => {
      // The error of execFile quotes the command line, and that can hold a password.
      if (error) reject(new Error(`${program} ${args.slice(0, 2).join(' ')} failed with code ${String(error.code)}.`));
      else resolve(printed);
    });
  });

export async function handler(): Promise<void> {
  const settings = readEnvironment('hsmAdministrator', process.env);
  await administer({
    step: settings.CHATELAINE_HSM_STEP,
    clusterId: settings.CHATELAINE_HSM_CLUSTER_ID,
    region: process.env.AWS_REGION ?? '',
    secrets: createSecretStore(),
    trustAnchorSecret: settings.CHATELAINE_TRUST_ANCHOR_SECRET,
    adminSecret: settings.CHATELAINE_ADMIN_SECRET,
    pinSecret: settings.CHATELAINE_PIN_SECRET,
    run,
    client: composeCloudHsm(process.env),
    async writeTrustAnchor(pem) {
      const file = join(await mkdtemp(join(tmpdir(), 'chatelaine-')), 'customerCA.crt');
      await writeFile(file, pem);
      return file;
    },
  });
}
