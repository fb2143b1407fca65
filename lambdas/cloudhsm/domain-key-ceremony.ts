/**
 * The domain keys of one epoch on a CloudHSM cluster. A user who owns them makes them; the crypto officer marks the key-encryption key as trusted; and they are
 * shared with the bridge's user, who can use shared keys and neither change, share nor delete them (CloudHSM user guide, "Trusted keys", "key share").
 * Every part looks before it does, so that a task that died half-way is simply run again.
 */
import * as z from 'zod';
import { askCli, type HsmUser, programs, type RunProgram } from './cloudhsm-programs.ts';

export interface DomainKeyCeremony {
  readonly run: RunProgram;
  readonly domain: string;
  readonly epoch: number;
  readonly tokenLabel: string;
  readonly officer: HsmUser;
  readonly owner: HsmUser;
  /** Who uses them. */
  readonly bridge: Pick<HsmUser, 'username'>;
}

const keys = z.object({
  matched_keys: z.array(
    z.object({
      'key-reference': z.string().min(1),
      'key-info': z.object({ 'shared-users': z.array(z.object({ username: z.string() })), 'cluster-coverage': z.string() }),
      attributes: z.object({ trusted: z.boolean().optional() }),
    }),
  ),
});
type Key = z.output<typeof keys>['matched_keys'][number];

const classes = { kek: 'secret-key', mac: 'secret-key', seed: 'secret-key', audit: 'private-key' } as const;
type Purpose = keyof typeof classes;

/** @returns the point of the audit key's public half, hexadecimal, for whoever verifies digests offline */
export async function createDomainKeys(ceremony: DomainKeyCeremony): Promise<string> {
  const auditPoint = await make(ceremony);
  for (const purpose of Object.keys(classes) as Purpose[]) await finish(ceremony, purpose);
  return auditPoint;
}

async function make({ run, domain, epoch, tokenLabel, owner }: DomainKeyCeremony): Promise<string> {
  const values = { module: programs.pkcs11Module, label: tokenLabel, domain, epoch, userPin: `${owner.username}:${owner.password}` };
  const printed = await run(programs.ceremony, [], { input: Object.entries(values).map(([name, value]) => `${name}=${value}\n`).join('') }); // biome-ignore format: one line each
  const [, point] = /^audit (?:created|present) ([0-9a-f]+)$/m.exec(printed) ?? [];
  if (point === undefined) throw new Error('The ceremony did not report the audit key.');
  return point;
}

async function finish(ceremony: DomainKeyCeremony, purpose: Purpose): Promise<void> {
  const { run, officer, owner, bridge } = ceremony;
  const before = await look(ceremony, purpose);
  const mustBeTrusted = purpose === 'kek';
  if (mustBeTrusted && before.attributes.trusted !== true)
    await askCli(run, ['key', 'set-attribute', '--filter', `key-reference=${before['key-reference']}`, '--name', 'trusted', '--value', 'true'], z.unknown(), officer);
  if (!isShared(before, bridge)) await askCli(run, ['key', 'share', ...filterOf(ceremony, purpose), '--username', bridge.username, '--role', 'crypto-user'], z.unknown(), owner);
  const after = await look(ceremony, purpose);
  if (mustBeTrusted && after.attributes.trusted !== true) throw new Error('The key-encryption key is not trusted, although the client said so.');
  if (!isShared(after, bridge)) throw new Error(`The ${purpose} key is not shared with the bridge's user, although the client said so.`);
  if (after['key-info']['cluster-coverage'] !== 'full') throw new Error(`The ${purpose} key is not on every HSM of the cluster.`);
}

async function look(ceremony: DomainKeyCeremony, purpose: Purpose): Promise<Key> {
  const { matched_keys: found } = await askCli(ceremony.run, ['key', 'list', ...filterOf(ceremony, purpose), '--verbose'], keys, ceremony.owner);
  const [key] = found;
  if (key === undefined || found.length > 1) throw new Error(`There are ${found.length} ${purpose} keys of epoch ${ceremony.epoch}, and not one.`);
  return key;
}

const filterOf = ({ domain, epoch }: DomainKeyCeremony, purpose: Purpose) => ['--filter', `attr.label=chatelaine/${domain}/${purpose}/${epoch}`, `attr.class=${classes[purpose]}`];

const isShared = (key: Key, { username }: Pick<HsmUser, 'username'>): boolean => key['key-info']['shared-users'].some((user) => user.username === username);
