/**
 * What only the CloudHSM client can do, from inside the cluster's network: the first password (activation), the crypto users, and the domain keys. It runs as
 * a task of the bridge's image, one step per task, and may be run again at any time: it looks before it does.
 */
import * as z from 'zod';
import type { AdministrationRequest } from '#shared/cloudhsm/administration-event.ts';
import { keysTag, usersTag } from '#shared/cloudhsm/tags.ts';
import type { CloudHsmClient } from './cloudhsm-client.ts';
import { askCli, type HsmUser, programs, type RunProgram } from './cloudhsm-programs.ts';
import { createDomainKeys } from './domain-key-ceremony.ts';
import type { SecretStore } from './hsm-services.ts';

export interface AdministerOptions extends Required<AdministrationRequest> {
  /** In the names of the domain keys. */
  readonly domain: string;
  readonly tokenLabel: string;
  /** Fewer than three HSMs: the client would refuse a key that is on one HSM only. */
  readonly hasFewHsms: boolean;
  readonly region: string;
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly trustAnchorSecret: string;
  readonly adminSecret: string;
  /** JSON with `username` and `password`: of the bridge's user, and of the user who owns the domain keys. */
  readonly pinSecret: string;
  readonly keyOwnerSecret: string;
  readonly run: RunProgram;
  readonly writeTrustAnchor: (pem: string) => Promise<string>;
  readonly client: Pick<CloudHsmClient, 'send'>;
  /** Told the public half of the audit key, as a point in hexadecimal. */
  readonly tellAuditKey: (point: string) => void;
}

const users = z.object({ users: z.array(z.object({ username: z.string(), role: z.string(), 'cluster-coverage': z.string().optional() })).optional() });
const account = z.strictObject({ username: z.string().min(1).max(31), password: z.string().min(8).max(32) });
const admin = 'admin';

export async function administer(options: AdministerOptions): Promise<void> {
  const { step, secrets, adminSecret, pinSecret, keyOwnerSecret } = options;
  await configure(options);
  const officer: HsmUser = { role: admin, username: admin, password: await needed(secrets, adminSecret) };
  if (step === 'activate') return activate(options, officer);
  const bridge = await cryptoUser(secrets, pinSecret);
  const owner = await cryptoUser(secrets, keyOwnerSecret);
  if (step === 'create-users') {
    for (const user of [bridge, owner]) await createUser(options, officer, user);
    return report(options, usersTag, 'created');
  }
  options.tellAuditKey(await createDomainKeys({ ...options, officer, owner, bridge }));
  return report(options, keysTag, String(options.epoch));
}

async function configure({ step, clusterId, region, run, secrets, trustAnchorSecret, writeTrustAnchor, hasFewHsms }: AdministerOptions): Promise<void> {
  const anchorFile = await writeTrustAnchor(await needed(secrets, trustAnchorSecret));
  const args = ['--cluster-id', clusterId, '--region', region, '--hsm-ca-cert', anchorFile, ...(hasFewHsms ? ['--disable-key-availability-check'] : [])];
  await run(programs.configureCli, args);
  if (step === 'create-keys') await run(programs.configurePkcs11, args);
}

async function activate({ run }: AdministerOptions, { password }: HsmUser): Promise<void> {
  // Before activation the role is `unactivated-admin`.
  const isActivated = async () => (await listUsers(run)).some(({ role }) => role === admin);
  if (await isActivated()) return;
  // The client takes the first password by argument only. Nothing else runs in this container.
  await askCli(run, ['cluster', 'activate', '--password', password], z.unknown());
  if (!(await isActivated())) throw new Error('The cluster is not activated, although the client said so.');
}

async function createUser({ run }: AdministerOptions, officer: HsmUser, { username, role, password }: HsmUser): Promise<void> {
  const isThere = async () => (await listUsers(run)).find((user) => user.username === username && user.role === role);
  if ((await isThere()) === undefined) await askCli(run, ['user', 'create', '--username', username, '--role', role, '--password', password], z.unknown(), officer);
  const made = await isThere();
  if (made === undefined) throw new Error(`The crypto user ${username} is not there, although the client said so.`);
  // Users are never copied to an HSM afterwards: on some HSMs only is a fault that shows when one of the others is lost.
  if (made['cluster-coverage'] !== undefined && made['cluster-coverage'] !== 'full') throw new Error(`The crypto user ${username} is not on every HSM of the cluster.`);
}

const report = async ({ client, clusterId }: AdministerOptions, Key: string, Value: string): Promise<void> => {
  await client.send('TagResource', { ResourceId: clusterId, TagList: [{ Key, Value }] });
};

const listUsers = async (run: RunProgram) => (await askCli(run, ['user', 'list'], users)).users ?? [];

async function cryptoUser(secrets: Pick<SecretStore, 'read'>, id: string): Promise<HsmUser> {
  const value = await needed(secrets, id);
  try {
    return { role: 'crypto-user', ...account.parse(JSON.parse(value)) };
  } catch {
    // A parser's message quotes what it read.
    throw new Error('A secret of the HSM is not JSON with a username and a password of 8 to 32 characters.');
  }
}

async function needed(secrets: Pick<SecretStore, 'read'>, id: string): Promise<string> {
  const value = await secrets.read(id);
  if (value === undefined) throw new Error('A secret of the HSM has no value.');
  return value;
}
