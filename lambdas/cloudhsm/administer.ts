/**
 * What only the CloudHSM client can do, from inside the cluster's network: the first password (activation) and the crypto user that the bridge logs in as.
 * It runs as a task of the bridge's image, one step per task, and may be run again at any time: it looks before it does.
 */
import * as z from 'zod';
import { usersTag } from '#shared/cloudhsm/tags.ts';
import type { CloudHsmClient } from './cloudhsm-client.ts';
import type { SecretStore } from './hsm-services.ts';

/** Runs a program and gives what it printed. @throws Error without the arguments, which can hold a password */
export type RunProgram = (program: string, args: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<string>;

export interface AdministerOptions {
  readonly step: 'activate' | 'create-users';
  readonly clusterId: string;
  readonly region: string;
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly trustAnchorSecret: string;
  readonly adminSecret: string;
  /** JSON with `username` and `password`. */
  readonly pinSecret: string;
  readonly run: RunProgram;
  readonly writeTrustAnchor: (pem: string) => Promise<string>;
  readonly client: Pick<CloudHsmClient, 'send'>;
}

const program = { configure: '/opt/cloudhsm/bin/configure-cli', cli: '/opt/cloudhsm/bin/cloudhsm-cli' };
const answer = z.object({
  error_code: z.literal(0),
  data: z.object({ users: z.array(z.object({ username: z.string(), role: z.string(), 'cluster-coverage': z.string().optional() })) }).partial(),
});
const pin = z.strictObject({ username: z.string().min(1).max(31), password: z.string().min(8).max(32) });
const admin = 'admin';

export async function administer(options: AdministerOptions): Promise<void> {
  const { clusterId, region, run, secrets, trustAnchorSecret, adminSecret } = options;
  const anchorFile = await options.writeTrustAnchor(await needed(secrets, trustAnchorSecret));
  await run(program.configure, ['--cluster-id', clusterId, '--region', region, '--hsm-ca-cert', anchorFile]);
  const password = await needed(secrets, adminSecret);
  if (options.step === 'activate') return activate(options, password);
  await createUser(options, password);
  await options.client.send('TagResource', { ResourceId: clusterId, TagList: [{ Key: usersTag, Value: 'created' }] });
}

async function activate({ run }: AdministerOptions, password: string): Promise<void> {
  const users = await listUsers(run);
  // Before activation the role is `unactivated-admin`.
  if (users.some(({ role }) => role === admin)) return;
  // The client takes the first password by argument only. Nothing else runs in this container.
  await run(program.cli, ['cluster', 'activate', '--password', password]);
  if (!(await listUsers(run)).some(({ role }) => role === admin)) throw new Error('The cluster is not activated, although the client said so.');
}

async function createUser({ run, secrets, pinSecret }: AdministerOptions, password: string): Promise<void> {
  const { username, password: userPassword } = pin.parse(JSON.parse(await needed(secrets, pinSecret)));
  const asAdmin = { CLOUDHSM_ROLE: admin, CLOUDHSM_PIN: `${admin}:${password}` };
  const isThere = async () => (await listUsers(run)).find((user) => user.username === username && user.role === 'crypto-user');
  if ((await isThere()) === undefined) await run(program.cli, ['user', 'create', '--username', username, '--role', 'crypto-user', '--password', userPassword], asAdmin);
  const made = await isThere();
  if (made === undefined) throw new Error('The crypto user is not there, although the client said so.');
  // Users are never copied to an HSM afterwards: on some HSMs only is a fault that shows when one of the others is lost.
  if (made['cluster-coverage'] !== undefined && made['cluster-coverage'] !== 'full') throw new Error('The crypto user is not on every HSM of the cluster.');
}

async function listUsers(run: RunProgram) {
  const { data } = answer.parse(JSON.parse(await run(program.cli, ['user', 'list'])));
  return data.users ?? [];
}

async function needed(secrets: Pick<SecretStore, 'read'>, id: string): Promise<string> {
  const value = await secrets.read(id);
  if (value === undefined) throw new Error('A secret of the HSM has no value.');
  return value;
}
