/** One step of HSM administration, in a task of the bridge's image (cdk/constructs/hsm-administration.ts). */
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '#shared/env/function-environment.ts';
import { administer } from '../cloudhsm/administer.ts';
import type { RunProgram } from '../cloudhsm/cloudhsm-programs.ts';
import { composeCloudHsm } from '../cloudhsm/compose-hsm.ts';
import { createSecretStore } from '../cloudhsm/hsm-services.ts';
import { logLine } from '../log-line.ts';

const programTimeoutMs = 5 * 60_000;

const run: RunProgram = (program, args, { environment = {}, input = '' } = {}) =>
  new Promise((resolve, reject) => {
    const child = execFile(program, [...args], { env: { ...process.env, ...environment }, timeout: programTimeoutMs }, (error, printed) => {
      // The error of execFile quotes the command line, and that can hold a password.
      if (error) reject(new Error(`${program} ${args.slice(0, 2).join(' ')} failed with code ${String(error.code)}.`));
      else resolve(printed);
    });
    // A program that ends before it has read everything says so by its code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });

/** Amazon ECS gives a task its credentials over HTTP; the clients in the bundle take them from the environment, as in a function. */
async function takeTaskCredentials(environment: NodeJS.ProcessEnv): Promise<void> {
  const path = environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  if (path === undefined) return;
  const answer = await fetch(`http://169.254.170.2${path}`, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`The task's credentials were refused with ${answer.status}.`);
  const { AccessKeyId, SecretAccessKey, Token } = (await answer.json()) as Record<string, string>;
  Object.assign(environment, { AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey, AWS_SESSION_TOKEN: Token });
}

export async function handler(): Promise<void> {
  await takeTaskCredentials(process.env);
  const settings = readEnvironment('hsmAdministrator', process.env);
  await administer({
    step: settings.CHATELAINE_HSM_STEP,
    clusterId: settings.CHATELAINE_HSM_CLUSTER_ID,
    epoch: settings.CHATELAINE_EPOCH,
    domain: settings.CHATELAINE_DOMAIN,
    tokenLabel: settings.CHATELAINE_TOKEN_LABEL,
    hasFewHsms: settings.CHATELAINE_HSM_FEW !== undefined,
    region: process.env.AWS_REGION ?? '',
    secrets: createSecretStore(),
    trustAnchorSecret: settings.CHATELAINE_TRUST_ANCHOR_SECRET,
    adminSecret: settings.CHATELAINE_ADMIN_SECRET,
    pinSecret: settings.CHATELAINE_PIN_SECRET,
    keyOwnerSecret: settings.CHATELAINE_KEY_OWNER_SECRET,
    run,
    client: composeCloudHsm(process.env),
    async writeTrustAnchor(pem) {
      const file = join(await mkdtemp(join(tmpdir(), 'chatelaine-')), 'customerCA.crt');
      await writeFile(file, pem);
      return file;
    },
    // Public, and wanted by whoever verifies the audit trail without the service.
    tellAuditKey: (auditPublicKey) => logLine('info', { event: 'domain-keys-ready', epoch: settings.CHATELAINE_EPOCH, auditPublicKey }),
  });
}
