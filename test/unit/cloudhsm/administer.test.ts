import { describe, expect, test } from 'vitest';
import { type AdministerOptions, administer } from '#lambdas/cloudhsm/administer.ts';
import { MemorySecrets } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';

/** The CloudHSM client as far as its documentation shows it. */
function clientWith(users: { username: string; role: string; 'cluster-coverage'?: string }[], coverage = 'full') {
  const runs: { args: readonly string[]; environment: Readonly<Record<string, string>> | undefined }[] = [];
  const run: AdministerOptions['run'] = async (_, args, environment) => {
    runs.push({ args, environment });
    const [noun, verb] = args;
    if (verb === 'activate') for (const user of users) user.role = 'admin';
    if (noun === 'user' && verb === 'create') users.push({ username: args[3]!, role: args[5]!, 'cluster-coverage': coverage });
    return JSON.stringify({ error_code: 0, data: noun === 'user' && verb === 'list' ? { users } : {} });
  };
  return { runs, run, verbs: () => runs.map(({ args }) => args.slice(0, 2).join(' ')).filter((text) => !text.startsWith('--')) };
}

function options(step: AdministerOptions['step'], run: AdministerOptions['run'], sent: unknown[] = []): AdministerOptions {
  const secrets = new MemorySecrets();
  secrets.values
    .set('anchor', 'PEM')
    .set('admin', 'officer-password')
    .set('pin', JSON.stringify({ username: 'chatelaine', password: 'user-password' }));
  return {
    ...{ step, run, secrets, clusterId: 'cluster-aaaaaaaaaaa', region: 'us-east-1' },
    ...{ trustAnchorSecret: 'anchor', adminSecret: 'admin', pinSecret: 'pin' },
    writeTrustAnchor: async () => '/tmp/customerCA.crt',
    client: { send: async (...call) => void sent.push(call) },
  };
}

describe('activation', () => {
  test('sets the first password, and is seen to have done so', async () => {
    const client = clientWith([{ username: 'admin', role: 'unactivated-admin' }]);

    await administer(options('activate', client.run));

    expect(client.verbs()).toEqual(['user list', 'cluster activate', 'user list']);
  });

  test('of an active cluster does nothing', async () => {
    const client = clientWith([{ username: 'admin', role: 'admin' }]);

    await administer(options('activate', client.run));

    expect(client.verbs()).toEqual(['user list']);
  });
});

describe('the crypto user', () => {
  test('is made by the officer, whose password is in the environment of that one program, and then reported', async () => {
    const client = clientWith([{ username: 'admin', role: 'admin' }]);
    const sent: unknown[] = [];

    await administer(options('create-users', client.run, sent));

    const create = client.runs.find(({ args }) => args[1] === 'create')!;
    expect(create.environment).toEqual({ CLOUDHSM_ROLE: 'admin', CLOUDHSM_PIN: 'admin:officer-password' });
    expect(JSON.stringify(create.args)).not.toContain('officer-password');
    expect(sent).toEqual([['TagResource', { ResourceId: 'cluster-aaaaaaaaaaa', TagList: [{ Key: 'chatelaine:users', Value: 'created' }] }]]);
  });

  test('that is there already is only reported', async () => {
    const client = clientWith([{ username: 'chatelaine', role: 'crypto-user' }]);
    const sent: unknown[] = [];

    await administer(options('create-users', client.run, sent));

    expect(client.verbs()).not.toContain('user create');
    expect(sent).toHaveLength(1);
  });

  test('that is not on every HSM is not reported', async () => {
    const sent: unknown[] = [];

    await expect(administer(options('create-users', clientWith([{ username: 'admin', role: 'admin' }], 'partial').run, sent))).rejects.toThrow('not on every HSM');

    expect(sent).toEqual([]);
  });
});
